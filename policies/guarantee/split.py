"""Which labels design a policy and which certify it: a coin that the request's own name tosses.

A label stays on its side for ever, whatever is added later and in whatever order.
"""

from __future__ import annotations

from hashlib import sha256

DESIGN_SHARE = 0.3
"""Share of labels that fit and choose; the others are kept for the one test."""


def is_design(group: str) -> bool:
    """Whether records of ``group`` design.

    The unit must be what is drawn at random: records that share a conversation or a prompt share
    their group, or what certifies was seen in fitting.
    """
    return share_of(group, "upshift.design") < DESIGN_SHARE


def share_of(name: str, salt: str) -> float:
    """Return a number in [0, 1) that ``name`` and ``salt`` fix, uniform over names."""
    digest = sha256(f"{salt}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
