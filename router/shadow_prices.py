"""Prices of money for all policies with a budget, found by replaying what was recorded.

Needs scikit-learn; nothing that serves imports this file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.costs import Weights
from policies.guarantee.split import is_design
from policies.learnt import Learnt
from policies.odds import Floats
from policies.outcomes import OutcomeRecord, groups_of
from policies.recorded_costs import recorded_cost
from policies.replay import View, replay, view_of
from policies.shadow_price import ShadowPrice, find_shadow_price
from policies.training import MIN_PROMPTS, fit_learnt
from router.config import Config, PolicyConfig
from router.rates import rates_of

_BOUNDS = (1e-3, 1e3)
"""Of the price that is looked for: the quality that the top tier's cost must gain."""


def shadow_prices(config: Config, records: Sequence[OutcomeRecord], seed: int) -> dict[str, ShadowPrice]:
    """Prices by policy, for those that have a budget and whose tiers all ran on enough of ``records``.

    The policy is replayed on records that what it rests on was not fitted to.
    """
    return {
        policy.name: found
        for policy in config.policies
        if isinstance(policy.objective.options, CascadeRoutingOptions)
        and policy.objective.options.budget_usd_per_request is not None
        and (found := _found(config, policy, policy.objective.options, records, seed)) is not None
    }


def _found(
    config: Config,
    policy: PolicyConfig,
    options: CascadeRoutingOptions,
    records: Sequence[OutcomeRecord],
    seed: int,
) -> ShadowPrice | None:
    budget = options.budget_usd_per_request
    complete = [record for record in records if all(tier in record.outcomes for tier in policy.ladder)]
    marks = [is_design(group) for group in groups_of(complete)]
    shown = [record for record, is_shown in zip(complete, marks, strict=True) if is_shown]
    fitted = [record for record, is_shown in zip(complete, marks, strict=True) if not is_shown]
    if budget is None or not shown or len({record.prompt.text for record in fitted}) < MIN_PROMPTS:
        return None
    learnt = fit_learnt(fitted, tiers=policy.ladder, seed=seed)
    views = [view_of(learnt, record, policy.ladder) for record in shown]
    run = _Replays(learnt, options, views, *_costs(config, policy, options.escalation.weights, shown))
    top_usd = float(run.money.mean(axis=0).max())
    return (
        None
        if top_usd <= 0.0
        else find_shadow_price(run.mean_usd, budget, (_BOUNDS[0] / top_usd, _BOUNDS[1] / top_usd))
    )


def _costs(
    config: Config, policy: PolicyConfig, weights: Weights, records: Sequence[OutcomeRecord]
) -> tuple[Floats, dict[str, float]]:
    """Money of every answer in US dollars, (n, K), and what decisions expect a call to cost, in micros."""
    rates = {tier.name: rates_of(tier) for tier in config.tiers}
    costs = [
        [recorded_cost(record, tier, rates[tier], weights) for tier in policy.ladder] for record in records
    ]
    money = np.array([[cost.money_usd_micros / 1e6 for cost in row] for row in costs])
    expected = np.array([[cost.usd_micros for cost in row] for row in costs]).mean(axis=0)
    return money, dict(zip(policy.ladder, expected.tolist(), strict=True))


class _Replays:
    """The policy at any price, on the same records."""

    def __init__(
        self,
        learnt: Learnt,
        options: CascadeRoutingOptions,
        views: Sequence[View],
        money: Floats,
        expected: dict[str, float],
    ) -> None:
        self.money = money
        self._learnt = learnt
        self._min_gain = options.min_gain
        self._views = views
        self._expected = expected

    def mean_usd(self, price: float) -> float:
        """Average money of a request where a dollar must gain ``price``."""
        options = CascadeRoutingOptions(value_of_correct_usd=1.0 / price, min_gain=self._min_gain)
        done = replay(CascadeRouting(options, self._learnt.joint), self._views, self._expected)
        return float(done.costs(self.money).mean())
