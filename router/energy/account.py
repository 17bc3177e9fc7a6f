"""What an attempt's energy was, and where the figure comes from.

Decides by one rule: attempts of tiers on this machine are measured where it has meters; all others are
reckoned from what their tier states; where it states nothing, nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable

from policies.costs import Rates, joules
from router.events import AttemptReport, EnergySource, EnergyUse
from router.tiers import Energy

_JOULES_PER_KWH = 3.6e6


def measured(joules_: float, grams_co2_per_kwh: float | None) -> EnergyUse:
    """What the machine's meters told."""
    return EnergyUse(joules_, EnergySource.MEASURED, _carbon_g(joules_, grams_co2_per_kwh))


def modelled(report: AttemptReport, stated: Energy, grams_co2_per_kwh: float | None) -> EnergyUse | None:
    """What the tier's statement tells of an attempt; None where it states nothing."""
    if not stated.watts and not stated.joules_per_token:
        return None
    usage = report.usage
    rates = Rates(watts=stated.watts, joules_per_token=stated.joules_per_token)
    used = joules(rates, report.latency_s, usage.input_token_count + usage.output_token_count)
    return EnergyUse(used, EnergySource.MODELLED, _carbon_g(used, grams_co2_per_kwh))


def total(uses: Iterable[EnergyUse | None]) -> EnergyUse | None:
    """The sum of those that are known; None where none is."""
    known = [use for use in uses if use is not None]
    if not known:
        return None
    sources = {use.source for use in known}
    carbon = [use.carbon_g for use in known if use.carbon_g is not None]
    return EnergyUse(
        sum(use.joules for use in known),
        sources.pop() if len(sources) == 1 else EnergySource.MIXED,
        sum(carbon) if carbon else None,
    )


def _carbon_g(joules_: float, grams_co2_per_kwh: float | None) -> float | None:
    return None if grams_co2_per_kwh is None else joules_ / _JOULES_PER_KWH * grams_co2_per_kwh
