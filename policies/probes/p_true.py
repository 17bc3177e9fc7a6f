"""P(True): the tier itself is asked whether its answer is right, and one token is read.

Kadavath et al., Language Models (Mostly) Know What They Know (2022), section 4; here without
examples, and with the answer quoted.
"""

from __future__ import annotations

from typing import ClassVar

from policies.probes.base import ProbeOptions
from policies.probes.one_token import OneToken


class PTrueOptions(ProbeOptions):
    """Nothing beyond what every probe takes."""


class PTrue(OneToken):
    """``p_true`` in [0, 1] and ``p_true_mass_log``, how much of the first token was yes or no at all."""

    Options = PTrueOptions
    name = "p_true"
    measures: ClassVar[tuple[str, ...]] = ("p_true", "p_true_mass_log")
    opinion: ClassVar[str] = "p_true"

    def __init__(self, options: PTrueOptions) -> None:
        self.options = options

    def asks(self, tier: str) -> str:
        """The tier that answered."""
        return tier
