"""What an attempt costs: money, waiting and energy in one number, US dollars, by a policy's weights.

The one place where predicted lengths, prices and paces become a cost; the router, replays and
evaluation all ask here. Refuses to know where the figures come from. Budgets count money alone.
"""

from __future__ import annotations

from dataclasses import dataclass

_MILLION = 1_000_000
_JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class Weights:
    """What a second of waiting and a kilowatt-hour are worth, in US dollars; 0: they do not count."""

    latency_usd_per_s: float = 0.0
    energy_usd_per_kwh: float = 0.0


MONEY_ALONE = Weights()


@dataclass(frozen=True, slots=True)
class Rates:
    """What a tier takes: money in millionths of a US dollar, time in seconds, energy in joules.

    ``first_token_s`` runs from asking to the first token, waiting for a turn included, ``token_s``
    from one token to the next. ``watts`` are drawn for one attempt as long as it runs, and
    ``joules_per_token`` are spent on every token read or written.
    """

    input_usd_micros_per_million: float = 0.0
    output_usd_micros_per_million: float = 0.0
    first_token_s: float = 0.0
    token_s: float = 0.0
    watts: float = 0.0
    joules_per_token: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """The parts of a cost, each in millionths of a US dollar."""

    money_usd_micros: float
    latency_usd_micros: float = 0.0
    energy_usd_micros: float = 0.0

    @property
    def usd_micros(self) -> float:
        """All parts together: what decisions weigh against quality."""
        return self.money_usd_micros + self.latency_usd_micros + self.energy_usd_micros


def attempt_cost(rates: Rates, weights: Weights, input_token_count: float, output_token_count: float) -> Cost:
    """Cost of a whole attempt of the expected lengths; never decreasing in either."""
    money = (
        input_token_count * rates.input_usd_micros_per_million
        + output_token_count * rates.output_usd_micros_per_million
    ) / _MILLION
    latency_s = rates.first_token_s + rates.token_s * max(output_token_count - 1.0, 0.0)
    return weighed(
        money, latency_s, joules(rates, latency_s, input_token_count + output_token_count), weights
    )


def rest_cost(rates: Rates, weights: Weights, output_token_count: float) -> Cost:
    """Cost of so many more tokens in an attempt under way."""
    money = output_token_count * rates.output_usd_micros_per_million / _MILLION
    latency_s = rates.token_s * output_token_count
    return weighed(money, latency_s, joules(rates, latency_s, output_token_count), weights)


def weighed(money_usd_micros: float, latency_s: float, energy_j: float, weights: Weights) -> Cost:
    """Cost of what was measured."""
    return Cost(
        money_usd_micros,
        latency_s * weights.latency_usd_per_s * _MILLION,
        energy_j / _JOULES_PER_KWH * weights.energy_usd_per_kwh * _MILLION,
    )


def joules(rates: Rates, latency_s: float, token_count: float) -> float:
    """Energy that so long an attempt over so many tokens takes, as its tier states it."""
    return rates.watts * latency_s + rates.joules_per_token * token_count
