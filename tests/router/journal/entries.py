"""Journal entries for tests."""

from __future__ import annotations

from backends.types import FinishReason, Message, Prompt, Role, Usage
from router.events import AttemptReport, Decided, Outcome, ProbeReport, Result, TierEstimate
from router.journal import JournalEntry
from router.request import Request

ATTEMPT = AttemptReport(
    number=1,
    tier="edge",
    outcome=Outcome.ACCEPTED,
    reason="confident",
    confidence=0.9,
    signals={"logprob_mean": -0.1, "logprob_min": -0.5},
    usage=Usage(12, 3),
    cost_usd_micros=9,
    latency_s=0.05,
    time_to_first_token_s=0.01,
    probes=(ProbeReport("p_true", "edge", "measured", Usage(150, 1), 2, 0.02),),
)
DECIDED = Decided(
    policy="default",
    tier="edge",
    reason="cheapest",
    estimates=(TierEstimate("edge", 0.7, 1.5), TierEstimate("frontier", 0.9, 80.0, "external")),
    features={"char_count": 20.0},
)


def request(request_id: str = "r1") -> Request:
    """A request with everything that the journal looks at."""
    prompt = Prompt((Message(Role.USER, "How many is 2 + 2?"),))
    return Request(id=request_id, prompt=prompt, tags=frozenset({"math"}), tenant="acme")


def answered(request_id: str = "r1") -> JournalEntry:
    """A request that was answered at its first attempt."""
    result = Result(
        request_id=request_id,
        text="4",
        reasoning="",
        tier="edge",
        policy="default",
        confidence=0.9,
        reason="confident",
        finish_reason=FinishReason.STOP,
        attempt_number=1,
        attempts=(ATTEMPT,),
        usage=ATTEMPT.usage,
        cost_usd_micros=9,
        latency_s=0.06,
    )
    return JournalEntry(request(request_id), DECIDED, result, (ATTEMPT,))


def failed(request_id: str = "r2") -> JournalEntry:
    """A request that got no answer."""
    return JournalEntry(request(request_id), DECIDED, None, (ATTEMPT,), "NO_TIER_READY")
