"""Which probe to run next, and whether any is worth it.

A probe is worth its cost only where its result can change what is decided: the policy, being pure,
is asked what it would do at the ends that the probe can plausibly move confidence to. Decides
nothing about the answer, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from policies.base import Verdict
from policies.odds import logit, sigmoid
from policies.probes.refinement import Refinements
from policies.worth_running import worth_running

DEFAULT_USEFULNESS = 0.01
"""Gain in AUROC that a probe is credited with where nothing was learnt or configured: enough to be
tried where it is cheap, and so little that what is known goes first."""
OPINION_EDGE = 0.02
"""How near to 0 or 1 an opinion counts that was never held against grades."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A probe that could run now: what it would cost and is credited with.

    ``usefulness`` None: as learnt. ``is_forced``: it runs whatever it could change.
    """

    probe: str
    cost_usd_micros: float
    usefulness: float | None = None
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of an answer of ``tier``: ``confidence`` by free signals, and what probes said.

    ``ran`` are the probes whose measures are among ``measures``; ``opinions`` by probe, in [0, 1].
    """

    tier: str
    confidence: float
    measures: Mapping[str, float]
    ran: tuple[str, ...] = ()
    opinions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Economy:
    """Chooses by what was learnt; ``allow_uncalibrated``: where nothing was, by :func:`stand_in`."""

    refinements: Refinements
    allow_uncalibrated: bool = False

    def refined(self, outlook: Outlook) -> float | None:
        """Confidence with what ``outlook.ran`` measured; None where nobody can read any of it."""
        model = self.refinements.of(outlook.tier, outlook.ran)
        if model is not None:
            return model.predict(outlook.confidence, outlook.measures)
        if self.is_stand_in(outlook):
            return stand_in(outlook.confidence, outlook.opinions.values())
        return None

    def is_stand_in(self, outlook: Outlook) -> bool:
        """Whether :meth:`refined` rests on opinions that were never held against grades."""
        is_learnt = self.refinements.of(outlook.tier, outlook.ran) is not None
        return self.allow_uncalibrated and bool(outlook.opinions) and not is_learnt

    def ends(self, outlook: Outlook, probe: str) -> tuple[float, float] | None:
        """Lowest and highest confidence that ``probe`` can plausibly lead to; None where none comes of it."""
        model = self.refinements.of(outlook.tier, {*outlook.ran, probe}, probe)
        if model is not None:
            return model.ends(outlook.confidence, outlook.measures, probe)
        is_read = self.refinements.of(outlook.tier, outlook.ran) is not None
        if is_read or not self.allow_uncalibrated:
            return None  # it would be left out beside what was learnt
        known = tuple(outlook.opinions.values())
        return stand_in(outlook.confidence, (*known, 0.0)), stand_in(outlook.confidence, (*known, 1.0))

    def next(
        self,
        outlook: Outlook,
        offers: Iterable[Offer],
        verdict_at: Callable[[float], Verdict],
        cost_of: Callable[[Verdict], float],
    ) -> str | None:
        """Name the probe to run now; None: none is worth it.

        ``verdict_at`` is what the policy would decide at a confidence, ``cost_of`` what a verdict
        would cost in millionths of a US dollar. Forced probes come first, then the most useful for
        their cost. A probe that costs as much as the dearest decision it could change is passed over.
        """
        ranked = sorted(offers, key=lambda offer: (not offer.is_forced, -self._rate(outlook, offer)))
        for offer in ranked:
            if offer.is_forced or (
                self._usefulness(outlook, offer) > 0.0 and self._pays(outlook, offer, verdict_at, cost_of)
            ):
                return offer.probe
        return None

    def _rate(self, outlook: Outlook, offer: Offer) -> float:
        return self._usefulness(outlook, offer) / max(offer.cost_usd_micros, 1e-6)

    def _usefulness(self, outlook: Outlook, offer: Offer) -> float:
        if offer.usefulness is not None:
            return offer.usefulness
        gain = self.refinements.gain(outlook.tier, offer.probe, outlook.ran)
        return DEFAULT_USEFULNESS if gain is None else gain

    def _pays(
        self,
        outlook: Outlook,
        offer: Offer,
        verdict_at: Callable[[float], Verdict],
        cost_of: Callable[[Verdict], float],
    ) -> bool:
        ends = self.ends(outlook, offer.probe)
        if ends is None:
            return False
        refined = self.refined(outlook)
        now = outlook.confidence if refined is None else refined
        verdicts = [verdict_at(confidence) for confidence in (now, *ends)]
        return worth_running(verdicts, offer.cost_usd_micros, cost_of)


def stand_in(confidence: float, opinions: Iterable[float]) -> float:
    """Mean of confidence and opinions in log-odds: it orders answers, and promises nothing."""
    values = [logit(confidence), *(logit(opinion, OPINION_EDGE) for opinion in opinions)]
    return sigmoid(sum(values) / len(values))
