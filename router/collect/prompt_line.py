"""One line of a file of prompts, checked: what it may hold, under which names."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from router.outcomes.document import FormLine, MessageLine

Turns = str | Annotated[list[MessageLine], Field(min_length=1)]


class PromptLine(BaseModel):
    """A prompt: a text or a conversation, with what its answers may be graded by.

    A line of a file of outcomes is one too; its outcomes are passed over, as is all that is not known.
    ``reference`` is any JSON value, ``references`` are alternatives; ``schema`` and ``regex`` stand for
    ``response_format``. ``tags`` are as a request's: what policies say of them holds here too. ``pattern``
    is looked for in the answer, which was not asked for in that form.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    prompt: Turns = Field(validation_alias=AliasChoices("prompt", "text", "messages"))
    id: Annotated[str, Field(min_length=1)] | None = None
    task: str | None = None
    group: str | None = None
    tags: list[Annotated[str, Field(min_length=1, max_length=128)]] = []
    reference: Any = Field(None, validation_alias=AliasChoices("reference", "answer"))
    references: list[Any] = []
    pattern: str | None = None
    response_format: FormLine | None = None
    json_schema: dict[str, Any] | None = Field(None, validation_alias=AliasChoices("json_schema", "schema"))
    regex: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = (self.response_format, self.json_schema, self.regex)
        if sum(form is not None for form in given) > 1:
            raise ValueError("give one of response_format, json_schema and regex")
        return self

    @property
    def alternatives(self) -> tuple[Any, ...]:
        """All right answers that were given."""
        return (*(() if self.reference is None else (self.reference,)), *self.references)

    @property
    def form(self) -> FormLine:
        """The form that was asked for; empty where there is none."""
        return self.response_format or FormLine(json_schema=self.json_schema, regex=self.regex)
