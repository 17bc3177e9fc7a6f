"""Which models must leave the memory so that another one fits.

Pure: knows neither engines nor files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backends.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory. ``used_s``: when it last had work, on any one clock."""

    model: str
    byte_count: int
    used_s: float


def those_to_leave(
    residents: Iterable[Resident], need_byte_count: int, limit_byte_count: int | None
) -> tuple[str, ...]:
    """Names of the models to unload, those used longest ago, so that ``need_byte_count`` fits.

    ``limit_byte_count`` None: no limit. Raises Unavailable where even an empty memory is too small.
    """
    if limit_byte_count is None:
        return ()
    by_age = sorted(residents, key=lambda resident: resident.used_s)
    if need_byte_count > limit_byte_count:
        held = ", ".join(f"{resident.model} {_mib(resident.byte_count)}" for resident in by_age)
        raise Unavailable(
            f"the model needs {_mib(need_byte_count)} and the worker may use {_mib(limit_byte_count)} (now: "
            f"{held or 'nothing'}); raise memory_limit_mib, or lower sequence_count or context_token_count"
        )
    excess = sum(resident.byte_count for resident in by_age) + need_byte_count - limit_byte_count
    leaving: list[str] = []
    for resident in by_age:
        if excess <= 0:
            break
        leaving.append(resident.model)
        excess -= resident.byte_count
    return tuple(leaving)


def _mib(byte_count: int) -> str:
    return f"{-(-byte_count // 2**20)} MiB"
