"""Made-up logs of which the truth is known: what every answer was worth, whether anybody saw it or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.types import Usage
from router.config import Config, parse
from router.events import AttemptReport, Outcome, TierEstimate
from router.journal import Audit, Feedback, Record
from router.simulate.logged import Traffic, traffic_of
from router.simulate.proposal import Proposal, proposal_of

COSTS = {"edge": 10, "top": 1000}
TOP_RIGHT = 0.9
CONFIG = """
version: 1
tiers:
  - {{name: edge, backend: echo, price: {{output_usd_per_million_tokens: 1}}}}
  - {{name: top, backend: echo, price: {{output_usd_per_million_tokens: 100}}}}
  - {{name: other, backend: echo, price: {{output_usd_per_million_tokens: 50}}}}
policies:
  - name: new
    ladder: [{ladder}]
    objective: {objective}
"""


def proposal(objective: str, ladder: str = "edge, top") -> Proposal:
    """A policy over the made-up tiers."""
    config: Config = parse(CONFIG.format(ladder=ladder, objective=objective))
    return proposal_of(config, config.policies[0])


def threshold(confidence: float) -> Proposal:
    """A cascade that keeps the edge's answer at this confidence."""
    return proposal(f"{{rule: threshold, min_confidence: {confidence}}}")


@dataclass(frozen=True, slots=True)
class World:
    """Requests with everything about them, (n,) each; the edge is right as often as ``chances`` say."""

    confidences: Any
    edge: Any
    top: Any
    rng: np.random.Generator

    def loss(self, kept: Any) -> float:
        """What keeping the edge's answer on ``kept`` truly loses on these very requests."""
        return float(((self.top - self.edge) * kept).mean())


def world(count: int, seed: int, *, overconfident: bool = False) -> World:
    """Draw requests; an overconfident edge is right with the square of what it says."""
    rng = np.random.default_rng(seed)
    confidences = rng.uniform(size=count)
    chances = confidences**2 if overconfident else confidences
    edge = (rng.uniform(size=count) < chances).astype(float)
    return World(confidences, edge, (rng.uniform(size=count) < TOP_RIGHT).astype(float), rng)


def certified_log(seen: World, *, threshold: float = 0.5, audit_rate: float = 0.3) -> Traffic:
    """The log of a cascade that keeps the edge at ``threshold``, its kept answers audited by a coin."""
    coins = seen.rng.uniform(size=len(seen.edge))
    records = []
    for number, confidence in enumerate(seen.confidences.tolist()):
        kept = confidence >= threshold
        audit = None
        if coins[number] < audit_rate:
            loss = float(seen.top[number] - seen.edge[number]) if kept else 0.0
            served = "edge" if kept else "top"
            grounds = "feedback" if kept else "top_served"
            audit = Audit(f"r{number}", "c", audit_rate, served, "top", None, loss, grounds)
        tiers = ["edge"] if kept else ["edge", "top"]
        records.append(record(number, tiers, confidence, certificate_id="c", audit=audit))
    return traffic_of(records, None)


def mixed_log(seen: World, *, share_of_top: float = 0.5, scored: float = 0.5) -> Traffic:
    """The log of a random mix of the two tiers, of whose answers a part was scored."""
    drawn = seen.rng.uniform(size=len(seen.edge)) < share_of_top
    is_scored = seen.rng.uniform(size=len(seen.edge)) < scored
    records = []
    for number, confidence in enumerate(seen.confidences.tolist()):
        tier = "top" if drawn[number] else "edge"
        score = float((seen.top if drawn[number] else seen.edge)[number])
        feedback = (Feedback(f"r{number}", "user", score, 0.0),) if is_scored[number] else ()
        records.append(record(number, [tier], confidence, feedback=feedback))
    return traffic_of(records, None)


def record(number: int, tiers: Sequence[str], confidence: float, **fields: Any) -> Record:
    """A request on which ``tiers`` ran; the last one answered."""
    attempts = tuple(
        AttemptReport(
            number=place,
            tier=tier,
            outcome=Outcome.ACCEPTED if tier == tiers[-1] else Outcome.REJECTED,
            reason="",
            confidence=confidence if tier == "edge" else TOP_RIGHT,
            signals={},
            usage=Usage(1, 1),
            cost_usd_micros=COSTS[tier],
            latency_s=0.1,
            time_to_first_token_s=None,
        )
        for place, tier in enumerate(tiers, start=1)
    )
    return Record(
        request_id=f"r{number}",
        time_s=0.0,
        policy="old",
        estimates=(TierEstimate("edge", 0.5, 5.0), TierEstimate("top", TOP_RIGHT, 500.0)),
        attempts=attempts,
        tier=tiers[-1],
        confidence=attempts[-1].confidence,
        reason="",
        cost_usd_micros=sum(COSTS[tier] for tier in tiers),
        **fields,
    )
