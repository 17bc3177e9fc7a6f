"""One line of a log of answers: one thing that happened, checked as it is read back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.collect.answers import Answer, Slot

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class HeadLine(_Line):
    """The first line: whose file this is, and how further samples are drawn."""

    kind: Literal["upshift.answers"] = "upshift.answers"
    version: Literal[1] = 1
    temperature: _Finite


class TierLine(_Line):
    """A tier begins to answer; ``fingerprint`` is of all that its answers and costs rest on."""

    tier: str
    fingerprint: str
    signals: str


class _SlotLine(_Line):
    key: str
    tier: str
    sample: _Count = 0

    def slot(self) -> Slot:
        """Where it belongs."""
        return Slot(self.key, self.tier, self.sample)


class AnswerLine(_SlotLine):
    """An answer."""

    text: str
    signals: dict[str, _Finite] = {}
    output_token_count: _Count
    cost_usd_micros: _Count
    latency_s: _Finite

    def answer(self) -> Answer:
        """The answer as it was."""
        return Answer(self.text, self.signals, self.output_token_count, self.cost_usd_micros, self.latency_s)


class FailureLine(_SlotLine):
    """A failure."""

    failure: str


class GradeLine(_SlotLine):
    """A grade that took somebody's program; ``grader`` names it and all that it was told."""

    grader: str
    grade: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


Line = TierLine | AnswerLine | FailureLine | GradeLine
_MARKS: dict[str, type[Line]] = {
    "fingerprint": TierLine,
    "text": AnswerLine,
    "failure": FailureLine,
    "grade": GradeLine,
}


def parse_line(document: Any) -> Line:
    """Read one line but the first. Raises ValueError."""
    if isinstance(document, dict):
        for mark, kind in _MARKS.items():
            if mark in document:
                return kind.model_validate(document)
    raise ValueError("it is neither a tier nor an answer, a failure or a grade")
