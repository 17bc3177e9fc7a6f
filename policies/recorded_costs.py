"""What a recorded answer cost, by the same weights as an attempt that is still to come.

What was measured counts as measured; what was not is reckoned from lengths and the tier's rates.
"""

from __future__ import annotations

from policies.costs import Cost, Rates, Weights, attempt_cost, weighed
from policies.derive import CHARACTERS_PER_TOKEN
from policies.outcomes import OutcomeRecord


def recorded_cost(record: OutcomeRecord, tier: str, rates: Rates, weights: Weights) -> Cost:
    """Cost of the answer that ``tier`` gave; the record must have one."""
    outcome = record.outcomes[tier]
    written = outcome.output_token_count
    if written is None:
        written = len(outcome.text or outcome.answer or "") // CHARACTERS_PER_TOKEN
    reckoned = attempt_cost(rates, weights, len(record.prompt.text) / CHARACTERS_PER_TOKEN, written)
    money = reckoned.money_usd_micros if outcome.cost_usd is None else 1e6 * outcome.cost_usd
    if outcome.latency_s is None:
        return Cost(money, reckoned.latency_usd_micros, reckoned.energy_usd_micros)
    joules = rates.watts * outcome.latency_s + rates.joules_per_token * written
    return weighed(money, outcome.latency_s, joules, weights)
