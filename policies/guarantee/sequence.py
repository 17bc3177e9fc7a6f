"""Fixed-sequence testing: down the path while every test passes, and no further.

The first true null met is rejected with at most the level's probability, and nothing after a
failure is tested, so the whole path costs one level (Maurer et al. 1995; Angelopoulos et al.,
Learn then Test, 2021). Several strata share one level (Bretz et al., Statistics in Medicine 28 (2009)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def last_passed(passes: Sequence[bool]) -> int | None:
    """Index of the last of the leading tests that passed; None where the first failed."""
    count = next((index for index, passed in enumerate(passes) if not passed), len(passes))
    return count - 1 if count else None


def walk_strata(
    lengths: Mapping[str, int], walk: Callable[[str, float], int | None], error_rate: float
) -> dict[str, int | None]:
    """Walk several paths so that all together err with at most ``error_rate``.

    ``walk(stratum, error_rate)`` gives the last index that passes at that rate. Each stratum
    starts with an equal share; one whose whole path (of ``lengths``) passed hands its share on.
    """
    shares = dict.fromkeys(lengths, error_rate / max(1, len(lengths)))
    reached: dict[str, int | None] = dict.fromkeys(lengths)
    open_strata = list(lengths)
    while open_strata:
        for stratum in open_strata:
            reached[stratum] = walk(stratum, shares[stratum])
        done = [stratum for stratum in open_strata if reached[stratum] == lengths[stratum] - 1]
        open_strata = [stratum for stratum in open_strata if stratum not in done]
        if not done or not open_strata:
            break
        freed = sum(shares[stratum] for stratum in done)
        for stratum in open_strata:
            shares[stratum] += freed / len(open_strata)
    return reached
