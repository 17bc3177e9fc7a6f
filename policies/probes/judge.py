"""A judge: another tier reads question and answer and says in one token whether it is right.

It pays where reading is cheap beside writing: one prefill of a better model instead of its answer.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from policies.probes.base import ProbeOptions
from policies.probes.one_token import OneToken


class JudgeOptions(ProbeOptions):
    """Who judges."""

    tier: str = Field(
        description="Name of the tier that judges. Asked only where the request's own ladder has it and "
        "the request may use it, and never about its own answers."
    )


class Judge(OneToken):
    """``judge`` in [0, 1] and ``judge_mass_log``, how much of the first token was yes or no at all."""

    Options = JudgeOptions
    name = "judge"
    measures: ClassVar[tuple[str, ...]] = ("judge", "judge_mass_log")
    opinion: ClassVar[str] = "judge"

    def __init__(self, options: JudgeOptions) -> None:
        self.options = options

    def asks(self, tier: str) -> str | None:
        """The tier that judges; None about its own answers."""
        return None if tier == self.options.tier else self.options.tier
