"""From losses to a verdict: the cheapest policy on the path that is proven safe, or how far off it is.

Decides nothing about how losses came about. The labels given here must be a random sample of the
traffic that the verdict is for, and nothing that led to the path may have seen them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from policies.guarantee.net_level import net_level
from policies.guarantee.p_values import bets_for, graded_p_value, harm_p_value, net_p_value
from policies.guarantee.sequence import last_passed, walk_strata
from policies.guarantee.split import DESIGN_SHARE
from policies.guarantee.terms import Terms, Test
from policies.odds import Floats

_POWER = 0.9
"""How often the labels that are said to be needed suffice."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Labels of one stratum. Columns are the path's policies, safest first.

    ``losses`` (n, steps): the top tier's quality less the served one, 0 where the top served, in an
    order that does not depend on them. ``design_losses`` (m, steps): the same of the design labels,
    from which graded losses take their bets; None: small bets.
    """

    losses: Floats
    design_losses: Floats | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One policy of the path on the certifying labels.

    It passed if ``p_value`` <= ``level``. ``loss`` is the mean; harms and gains are counts.
    """

    loss: float
    harm_count: int
    gain_count: int
    p_value: float
    level: float

    @property
    def passed(self) -> bool:
        """Whether the null, that it loses too much, is rejected."""
        return self.p_value <= self.level


@dataclass(frozen=True, slots=True)
class Certified:
    """``index`` is the last step that passed; with the terms' confidence it loses less than they allow."""

    index: int
    label_count: int
    steps: tuple[Step, ...]

    @property
    def step(self) -> Step:
        """The policy to deploy."""
        return self.steps[self.index]


@dataclass(frozen=True, slots=True)
class NotCertified:
    """Nothing passed: always ask the top tier.

    ``labels_needed``: further labels, design and certify together, with which the first step would
    pass in nine of ten samples if its loss is what it seems; None: no number will do, for it seems
    to lose what is allowed or more, or there was no step that saves anything.
    """

    label_count: int
    labels_needed: int | None
    steps: tuple[Step, ...] = ()


def certify(evidence: Evidence, terms: Terms) -> Certified | NotCertified:
    """Walk one stratum's path at the terms' whole error rate."""
    return certify_strata({"": evidence}, terms)[""]


def certify_strata(strata: Mapping[str, Evidence], terms: Terms) -> dict[str, Certified | NotCertified]:
    """Walk every stratum's path; all verdicts hold together with the terms' confidence."""
    measured = {name: _p_values(evidence, terms) for name, evidence in strata.items()}
    levels: dict[str, float] = {}

    def walk(name: str, error_rate: float) -> int | None:
        levels[name] = _level(len(strata[name].losses), terms, error_rate)
        return last_passed([p_value <= levels[name] for p_value in measured[name]])

    lengths = {name: len(p_values) for name, p_values in measured.items()}
    reached = walk_strata(lengths, walk, terms.error_rate)
    return {
        name: _verdict(evidence, terms, measured[name], levels[name], reached[name])
        for name, evidence in strata.items()
    }


def p_value(losses: Floats, terms: Terms, design_losses: Floats | None = None) -> float:
    """P-value of one policy from its losses (n,); see :class:`Evidence`.

    Raises ValueError where the net test is asked of losses other than -1, 0 and 1.
    """
    count = len(losses)
    harm, gain = int((losses > 0.0).sum()), int((losses < 0.0).sum())
    if terms.test is Test.HARM:
        return float(harm_p_value(harm, count, terms.max_loss))
    if terms.test is Test.GRADED:
        seen = np.zeros(1) if design_losses is None else design_losses
        return graded_p_value(losses, terms.max_loss, bets_for(seen, terms.max_loss))
    if harm + gain != int((np.abs(losses) == 1.0).sum()):
        raise ValueError("the net test takes grades of 0 and 1; ask for the graded test")
    return float(net_p_value(harm, gain, count, terms.max_loss))


def _p_values(evidence: Evidence, terms: Terms) -> list[float]:
    losses, design = evidence.losses, evidence.design_losses
    if not len(losses):
        return []
    return [
        p_value(losses[:, column], terms, None if design is None else design[:, column])
        for column in range(losses.shape[1])
    ]


def _level(count: int, terms: Terms, error_rate: float) -> float:
    is_exact = terms.test is not Test.NET or not count
    return error_rate if is_exact else net_level(count, terms.max_loss, error_rate)


def _verdict(
    evidence: Evidence, terms: Terms, p_values: list[float], level: float, reached: int | None
) -> Certified | NotCertified:
    losses, count = evidence.losses, len(evidence.losses)
    steps = tuple(
        Step(
            loss=float(losses[:, column].mean()),
            harm_count=int((losses[:, column] > 0.0).sum()),
            gain_count=int((losses[:, column] < 0.0).sum()),
            p_value=p_value,
            level=level,
        )
        for column, p_value in enumerate(p_values)
    )
    if reached is None:
        return NotCertified(count, _labels_needed(losses, terms), steps)
    return Certified(reached, count, steps)


def _labels_needed(losses: Floats, terms: Terms) -> int | None:
    """Further labels for the first step, which loses least: (z_delta + z_power)^2 E[D^2] / (eps - mean)^2.

    At least as many as pass without a single harm: (1 - eps)^n <= delta.
    """
    if not losses.size:
        return None
    first = losses[:, 0]
    counted = (first > 0.0).astype(np.float64) if terms.test is Test.HARM else first
    room = terms.max_loss - float(counted.mean())
    if room <= 0.0:
        return None
    z = NormalDist().inv_cdf(terms.confidence) + NormalDist().inv_cdf(_POWER)
    least = math.log(terms.error_rate) / math.log1p(-terms.max_loss)
    certifying = max(least, z * z * float(np.mean(counted**2)) / room**2)
    return max(1, math.ceil((certifying - len(losses)) / (1.0 - DESIGN_SHARE)))
