"""The seam between an answer and the numbers that confidence is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from backends.tools import ToolCall
from backends.types import FinishReason, Prompt, TokenLogprob

VALIDATOR_SUFFIX = "_valid"
"""Names of validators' measures end so; 0 there proves the answer wrong, whatever else is seen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer as a signal sees it: what was asked, and all that came back.

    ``tokens`` are all generated tokens, reasoning included; empty without log-probabilities.
    ``samples`` are the other answers that this one was elected among, "" for each that failed; empty
    where the tier was asked once. ``tool_calls`` are what it calls, beside its text or instead of it.
    """

    prompt: Prompt
    text: str
    reasoning: str = ""
    tokens: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason = FinishReason.STOP
    samples: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()


@runtime_checkable
class Signal(Protocol):
    """A family of measures of one answer; constructed without arguments.

    ``measure`` is pure, synchronous, bounded in time and never raises. What cannot be measured
    is left out, never made up: absence means not known. Values are finite.
    """

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    @property
    def cost_us(self) -> float:
        """Declared cost: microseconds of one core that it takes for a page of an answer, rather too many."""
        ...

    @property
    def refutes(self) -> bool:
        """Whether its measures can prove an answer wrong, which settles all else."""
        ...

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Values by stable names, units in the name where there is one."""
        ...


def measure_all(signals: Iterable[Signal], answer: Answer) -> dict[str, float]:
    """Collect what all ``signals`` say of ``answer``, in one mapping."""
    return {name: value for signal in signals for name, value in signal.measure(answer).items()}


def failed_validation(measured: Mapping[str, float]) -> bool:
    """Whether a validator proved the answer wrong."""
    return any(value == 0.0 for name, value in measured.items() if name.endswith(VALIDATOR_SUFFIX))


def was_validated(measured: Mapping[str, float]) -> bool:
    """Whether a validator could say anything."""
    return any(name.endswith(VALIDATOR_SUFFIX) for name in measured)
