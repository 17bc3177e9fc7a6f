"""What a policy would have seen of recorded answers: predictions, prices, and confidence as served.

Decides nothing; it follows what :mod:`router.plan` and :mod:`router.assess` do with live requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from backends.types import Prompt
from policies.base import Answered, Candidate
from policies.features import features_of
from policies.follow import Known
from policies.outcomes import Outcome, OutcomeRecord, record_id
from policies.signals.base import failed_validation, was_validated
from policies.uncalibrated import token_probability
from router.build import estimator_for
from router.config.order import by_price
from router.simulate.proposal import Proposal
from router.situation import draw

CHARACTERS_PER_TOKEN = 4
"""Of English text: tiers that could count are not started for a simulation."""


def seen_by(side: Proposal, records: Sequence[OutcomeRecord]) -> list[Known]:
    """What the policy would see of each record; all tiers of its ladder must have an outcome."""
    ladder = side.described.ladder
    prices = {tier.name: tier.price for tier in side.config.tiers}
    estimator = estimator_for(side.config, by_price(side.config), side.learnt)
    found = []
    for record in records:
        estimates = estimator.predict(record.prompt, features_of(record.prompt))
        read = len(record.prompt.text) / CHARACTERS_PER_TOKEN
        candidates = tuple(
            Candidate(
                tier,
                estimates[tier].quality,
                read * prices[tier].input_usd_per_million_tokens
                + estimates[tier].output_token_count * prices[tier].output_usd_per_million_tokens,
            )
            for tier in ladder
        )
        answers = {
            candidate.tier: _answered(side, record.prompt, record.outcomes[candidate.tier], candidate)
            for candidate in candidates
        }
        floor = side.described.constraints.min_confidence
        found.append(Known(candidates, answers, draw(record_id(record)), floor, ladder))
    return found


def _answered(side: Proposal, prompt: Prompt, outcome: Outcome, candidate: Candidate) -> Answered:
    """What the router's assessment of a recorded answer would be; see :mod:`router.assess`."""
    tier, quality, signals = candidate.tier, candidate.quality, outcome.signals
    if failed_validation(signals):
        return Answered(tier, quality, 0.0, failed_validation=True)
    if prompt.response_format is not None and not was_validated(signals):
        return Answered(tier, quality, 0.0)
    confidence = None
    if side.learnt is not None:
        confidence = side.learnt.confidence.predict(tier, quality, signals)
    if confidence is None and side.config.confidence.uncalibrated == "token_probability":
        confidence = token_probability(signals)
    return Answered(tier, quality, confidence)
