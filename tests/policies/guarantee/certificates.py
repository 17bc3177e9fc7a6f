"""A certificate for tests."""

from __future__ import annotations

from dataclasses import replace

from policies.guarantee.certificate import Certificate, Proof, Setting
from policies.guarantee.terms import Terms


def certificate(**changes: object) -> Certificate:
    """One that holds until 2,000 s."""
    made = Certificate(
        policy="default",
        stratum="",
        terms=Terms(0.02),
        setting=Setting(("small", "large"), (20.0, 1000.0), 0.01),
        proof=Proof(2000, 12, 3, 0.0045, 1e-6, 0.0475, 0.6),
        issued_s=1000.0,
        expires_s=2000.0,
        rests_on={"learnt": "a", "tier small": "b"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]
