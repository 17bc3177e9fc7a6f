"""What arms would have given, from records that hold several answers of a tier.

The vote, its signals and its cost come from the very code that serves; the grade is that of the
sample elected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from policies.arms import Arm
from policies.derive import written
from policies.outcomes import Outcome, OutcomeRecord, Sample
from policies.samples import elected
from policies.signals.agreement import agreement, read, sample_agreement


def with_arms(records: Iterable[OutcomeRecord], arms: Sequence[Arm]) -> list[OutcomeRecord]:
    """Add the outcome of every arm that a record has answers and a grade for, under the arm's name.

    The tier's own answer is the first sample. Costs and tokens are taken to be the first one's n-fold.
    """
    return [replace(record, outcomes={**record.outcomes, **_arms_of(record, arms)}) for record in records]


def _arms_of(record: OutcomeRecord, arms: Sequence[Arm]) -> dict[str, Outcome]:
    found = {}
    for arm in arms:
        own = record.outcomes.get(arm.tier)
        voted = None if own is None else _voted(own, arm.samples)
        if voted is not None:
            found[arm.name] = voted
    return found


def _voted(own: Outcome, count: int) -> Outcome | None:
    """The outcome of ``count`` answers; None where there are fewer, or the elected one has no grade."""
    text = written(own)
    if text is None or len(own.samples) < count - 1:
        return None
    drawn = [Sample(text, own.quality, own.signals), *own.samples[: count - 1]]
    place = elected([sample.text for sample in drawn])
    chosen = drawn[place]
    quality = chosen.quality if chosen.quality is not None else _quality_of_twin(chosen, own, text)
    if quality is None:
        return None
    others = [read(sample.text) for number, sample in enumerate(drawn) if number != place]
    return Outcome(
        quality,
        {**_own(chosen), **sample_agreement(read(chosen.text), others)},
        None if own.output_token_count is None else count * own.output_token_count,
        text=chosen.text,
        cost_usd=None if own.cost_usd is None else count * own.cost_usd,
        latency_s=own.latency_s,
    )


def _own(sample: Sample) -> dict[str, float]:
    """Signals of the sample itself, without what was said of it among others."""
    return {name: value for name, value in sample.signals.items() if not name.startswith("sample_")}


def _quality_of_twin(chosen: Sample, own: Outcome, text: str) -> float | None:
    """The first answer's grade where the chosen one says the same."""
    is_twin = agreement(read(text), read(chosen.text)).get("agreement_final") == 1.0
    return own.quality if is_twin else None
