"""A certificate: what was promised of which policy, on what labels, and what it rests on.

It holds for one setting of one policy on one stratum of traffic, until it expires or anything that
it rests on changes. Refuses to know files, clocks and hashes: time and fingerprints are given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Self

from policies.guarantee.terms import Terms, Test
from policies.odds import logit, sigmoid

EVERYTHING = ""
"""The stratum that every request belongs to."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The knob that was tested: cascade routing at this value, tiers costing these constants.

    ``costs_usd_micros`` are in the order of ``ladder``. They are the calibration's own, and not
    today's prices, so that the decisions served are those that were tested. ``min_confidence`` is
    the policy's floor at the time; None: none.
    """

    ladder: tuple[str, ...]
    costs_usd_micros: tuple[float, ...]
    value_of_correct_usd: float
    min_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What the certifying labels showed: counts, the mean loss, the p-value and the level it is under.

    ``saving`` is the share of the top tier's cost that was saved on them.
    """

    label_count: int
    harm_count: int
    gain_count: int
    loss: float
    p_value: float
    level: float
    saving: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """P(a rejected answer equals the top's | its confidence), logistic, and what differing costs.

    ``loss_where_different``: mean loss of kept answers that differ from the top's, in [-1, 1].
    """

    intercept: float = 0.0
    slope: float = 1.0
    loss_where_different: float = 1.0

    def predict(self, confidence: float) -> float:
        """Return the probability in (0, 1) that the answers agree."""
        return sigmoid(self.intercept + self.slope * logit(confidence))


@dataclass(frozen=True, slots=True)
class Certificate:
    """With the terms' confidence, the policy loses less than ``terms.max_loss`` against the top tier.

    ``policy`` names it in the configuration; ``stratum`` is a tag that requests carry, or
    EVERYTHING. ``rests_on`` gives the fingerprint of each thing whose change withdraws it;
    ``made_from`` that of what it was made from, for the record. Times are seconds since 1970.
    """

    policy: str
    stratum: str
    terms: Terms
    setting: Setting
    proof: Proof
    issued_s: float
    expires_s: float
    rests_on: Mapping[str, str] = field(default_factory=dict)
    made_from: Mapping[str, str] = field(default_factory=dict)
    agreement: Agreement | None = None

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits of the content's SHA-256."""
        return digest(self.to_json())[:16]

    def withdrawn(self, now_s: float, rests_on: Mapping[str, str]) -> str | None:
        """Why it does not hold: it expired, or something it rests on changed; None: it holds."""
        if now_s >= self.expires_s:
            return "expired"
        changed = sorted(
            name for name in {*self.rests_on, *rests_on} if self.rests_on.get(name) != rests_on.get(name)
        )
        return f"changed: {', '.join(changed)}" if changed else None

    def meets(self, max_loss: float, confidence: float) -> bool:
        """Whether it promises at least what is asked."""
        return self.terms.max_loss <= max_loss and self.terms.confidence >= confidence

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        terms, setting, agreement = value["terms"], value["setting"], value["agreement"]
        return cls(
            **{
                **value,
                "terms": Terms(**{**terms, "test": Test(terms["test"])}),
                "setting": Setting(
                    **{
                        **setting,
                        "ladder": tuple(setting["ladder"]),
                        "costs_usd_micros": tuple(setting["costs_usd_micros"]),
                    }
                ),
                "proof": Proof(**value["proof"]),
                "agreement": None if agreement is None else Agreement(**agreement),
            }
        )


def digest(value: object) -> str:
    """SHA-256, in hexadecimal, of plain values; equal for equal ones whatever the order of keys."""
    canonical = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()
