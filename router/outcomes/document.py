"""One line of a file of outcomes, checked: what must be there, what may be, and of what kind.

Fields that are not known here are let pass and dropped: such files come with all sorts of extras.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from backends.types import GrammarFormat, JsonSchemaFormat, Message, Prompt, RegexFormat, ResponseFormat, Role
from policies.outcomes import Outcome, OutcomeRecord, Sample

Finite = Annotated[float, Field(allow_inf_nan=False)]
Grade = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class MessageLine(_Line):
    """One turn of a conversation; ``role`` is system, user or assistant."""

    role: Annotated[Role, Field(strict=False)]
    content: str


class FormLine(_Line):
    """The form that was asked for; one of the three."""

    json_schema: dict[str, Any] | None = None
    regex: str | None = None
    grammar: str | None = None

    def form(self) -> ResponseFormat | None:
        """The form as backends know it."""
        if self.json_schema is not None:
            return JsonSchemaFormat(self.json_schema)
        if self.regex is not None:
            return RegexFormat(self.regex)
        return None if self.grammar is None else GrammarFormat(self.grammar)


class SampleLine(_Line):
    """A further answer of the same model."""

    text: str
    quality: Grade | None = None
    signals: dict[str, Finite] = {}


class OutcomeLine(_Line):
    """A model's answer and its grade."""

    quality: Grade
    answer: str | None = None
    text: str | None = None
    signals: dict[str, Finite] = {}
    output_token_count: Annotated[int, Field(ge=0)] | None = None
    cost_usd: Amount | None = None
    latency_s: Amount | None = None
    samples: list[SampleLine | str] = []

    def outcome(self) -> Outcome:
        """The outcome as policies know it."""
        samples = (SampleLine(text=item) if isinstance(item, str) else item for item in self.samples)
        return Outcome(
            self.quality,
            self.signals,
            self.output_token_count,
            text=self.text,
            answer=self.answer,
            cost_usd=self.cost_usd,
            latency_s=self.latency_s,
            samples=tuple(Sample(item.text, item.quality, item.signals) for item in samples),
        )


class RecordLine(_Line):
    """A prompt, as a text or a conversation, and the outcomes by model."""

    id: Annotated[str, Field(min_length=1)] | None = None
    prompt: str | Annotated[list[MessageLine], Field(min_length=1)]
    outcomes: Annotated[dict[str, OutcomeLine], Field(min_length=1)]
    task: str | None = None
    group: str | None = None
    response_format: FormLine | None = None

    def record(self) -> OutcomeRecord:
        """The record as policies know it."""
        if isinstance(self.prompt, str):
            messages: tuple[Message, ...] = (Message(Role.USER, self.prompt),)
        else:
            messages = tuple(Message(line.role, line.content) for line in self.prompt)
        form = self.response_format.form() if self.response_format else None
        return OutcomeRecord(
            Prompt(messages, response_format=form),
            {model: line.outcome() for model, line in self.outcomes.items()},
            id=self.id or "",
            group=self.group,
            task=self.task,
        )
