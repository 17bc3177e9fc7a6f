"""Signals for recorded answers, taken from their text by the very code that serves.

What was recorded is kept; only what is missing is measured. So logs without log-probabilities, or
without any signal at all, can still be learnt from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from backends.types import Prompt
from policies.outcomes import Outcome, OutcomeRecord, Sample
from policies.registry import SIGNALS
from policies.signals.agreement import read, sample_agreement
from policies.signals.base import Answer, Signal, measure_all

CHARACTERS_PER_TOKEN = 4
"""Of English text; gives the length in tokens where it was not recorded."""


def with_text_signals(records: Iterable[OutcomeRecord]) -> list[OutcomeRecord]:
    """Add to every outcome what the registered signals say of its text; 0.3 ms an answer.

    An outcome without ``text`` is measured by its ``answer``, and one without either is left as it
    is. Samples are compared with the answer, and measured themselves.
    """
    signals = [SIGNALS.load(name)() for name in SIGNALS.names()]
    return [
        replace(
            record,
            outcomes={
                tier: _completed(signals, record.prompt, outcome) for tier, outcome in record.outcomes.items()
            },
        )
        for record in records
    ]


def written(outcome: Outcome) -> str | None:
    """The text that an outcome can be judged by; None where nothing was kept."""
    return outcome.answer if outcome.text is None else outcome.text


def _completed(signals: Sequence[Signal], prompt: Prompt, outcome: Outcome) -> Outcome:
    text = written(outcome)
    if text is None:
        return outcome
    samples = tuple(_sampled(signals, prompt, sample) for sample in outcome.samples)
    agreed = sample_agreement(read(text), [read(sample.text) for sample in samples]) if samples else {}
    count = outcome.output_token_count
    if count is None:
        count = max(1, len(text) // CHARACTERS_PER_TOKEN)
    measured = {**agreed, **_measured(signals, prompt, text), **outcome.signals}
    return replace(outcome, signals=measured, samples=samples, output_token_count=count)


def _sampled(signals: Sequence[Signal], prompt: Prompt, sample: Sample) -> Sample:
    return replace(sample, signals={**_measured(signals, prompt, sample.text), **sample.signals})


def _measured(signals: Sequence[Signal], prompt: Prompt, text: str) -> Mapping[str, float]:
    return measure_all(signals, Answer(prompt, text))
