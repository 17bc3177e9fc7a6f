"""The seam between an answer and what further model calls tell of it.

A probe says whom to ask what, and reads the replies. It is pure: asking, paying and giving up are
the loop's work. Free signals (:mod:`policies.signals.base`) come before any probe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from backends.types import Prompt, Usage
from policies.signals.base import Answer


class ProbeOptions(BaseModel):
    """When a probe is worth its cost; every probe's own options extend these."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    run: Literal["if_useful", "always"] = Field(
        "if_useful",
        description="`if_useful`: while it can change the decision and costs less than that decision; "
        "`always`: on every answer that the budget allows, to learn from what it measures.",
    )
    usefulness: float | None = Field(
        None,
        ge=0.0,
        le=0.5,
        description="What it adds to the AUROC of confidence, for the order of probes; unset: as learnt.",
    )


@runtime_checkable
class Probe(Protocol):
    """A way to ask on about an answer; constructed with an instance of its strict ``Options``.

    ``measures`` are the names that :meth:`measure` may give; ``opinion`` is the one of them that reads
    as a probability in [0, 1] that the answer is right, for a tier that nothing was learnt of.
    """

    name: ClassVar[str]
    measures: ClassVar[tuple[str, ...]]
    opinion: ClassVar[str]
    needs_logprobs: ClassVar[bool]

    @property
    def options(self) -> ProbeOptions:
        """What it was made with."""
        ...

    def asks(self, tier: str) -> str | None:
        """Name of the tier that is asked about an answer of ``tier``; None: nobody is."""
        ...

    def usage(self, input_token_count: int, output_token_count: float) -> Usage:
        """Tokens that all calls together are expected to take, for a prompt and an answer of so many."""
        ...

    def prompts(self, answer: Answer) -> tuple[Prompt, ...]:
        """What is asked, all at once; each with its own ``max_output_token_count``. Empty: nothing."""
        ...

    def measure(self, answer: Answer, replies: Sequence[Answer]) -> Mapping[str, float]:
        """Finite values by name from the ``replies`` that came, in any number; {} where they say nothing."""
        ...
