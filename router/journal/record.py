"""What the journal keeps of a request: what was decided, on what grounds, and what became of it.

Decides what is kept; prompt and answer only where that is asked for. Refuses to know how it is
stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from backends.tools import ToolCall
from backends.types import Message, Role
from policies.pii.stand_ins import redacted
from router.events import AttemptReport, Decided, TierEstimate
from router.journal.audit import Audit
from router.journal.entry import JournalEntry
from router.privacy.spoken import respoken, spoken

# One encoder for all: json.dumps makes a new one a call where its settings are not the default.
_dump = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True).encode
_NOTHING_DECIDED = Decided(policy="", tier="", reason="", estimates=())


@dataclass(frozen=True, slots=True)
class Feedback:
    """How good an answer was, in [0, 1], and who says so; one score a source.

    ``tenants``: whose requests it may be about; None: anybody's.
    """

    request_id: str
    source: str
    score: float
    time_s: float
    tenants: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One request in the journal.

    ``time_s`` is when it ended, in seconds since 1970. A request that failed has no ``tier``, ``confidence``
    and ``reason``, and its ``latency_s`` is that of its attempts together; ``policy`` is empty where it
    failed before it was decided. ``messages`` and ``answer`` are None where prompts are not stored.
    ``tool_calls`` are those of the answer, None: the prompt was without tools; without ids and arguments
    where prompts are not stored. ``certificate_id`` None: no certificate covers it. ``feedback`` joins later,
    by source, and so does the ``audit``, None where there was none.
    """

    request_id: str
    time_s: float
    tenant: str = ""
    tags: frozenset[str] = frozenset()
    policy: str = ""
    features: Mapping[str, float] = field(default_factory=dict)
    estimates: tuple[TierEstimate, ...] = ()
    attempts: tuple[AttemptReport, ...] = ()
    tier: str | None = None
    confidence: float | None = None
    reason: str | None = None
    error_reason: str | None = None
    cost_usd_micros: int = 0
    latency_s: float = 0.0
    messages: tuple[Message, ...] | None = None
    answer: str | None = None
    certificate_id: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    feedback: tuple[Feedback, ...] = ()
    audit: Audit | None = None

    @property
    def features_hash(self) -> str:
        """First 16 hexadecimal digits of the features' SHA-256: equal for equal features."""
        return hash_of(canonical(self.features))

    def redacted(self, kinds: Sequence[str]) -> Record:
        """The record with stand-ins for data of ``kinds``, the same for the same value in all its texts.

        What they stand for is lost.
        """
        if self.messages is None:
            return self
        # The answer as the turn that it is.
        answered = Message(Role.ASSISTANT, self.answer or "", tool_calls=self.tool_calls or ())
        turns = (*self.messages, answered)
        texts, _ = redacted(spoken(turns), kinds)
        *messages, answered = respoken(turns, texts)
        return replace(
            self,
            messages=tuple(messages),
            answer=None if self.answer is None else answered.content,
            tool_calls=None if self.tool_calls is None else answered.tool_calls,
        )

    @classmethod
    def of(cls, entry: JournalEntry, *, time_s: float, store_prompts: bool) -> Record:
        """Take from ``entry`` what is kept."""
        request, result = entry.request, entry.result
        decided = entry.decided or _NOTHING_DECIDED
        return cls(
            request_id=request.id,
            time_s=time_s,
            tenant=request.tenant,
            tags=request.tags,
            policy=decided.policy,
            features=decided.features,
            estimates=decided.estimates,
            attempts=entry.attempts,
            tier=result.tier if result else None,
            confidence=result.confidence if result else None,
            reason=result.reason if result else None,
            error_reason=entry.error_reason,
            cost_usd_micros=sum(attempt.cost_usd_micros for attempt in entry.attempts),
            latency_s=result.latency_s if result else sum(attempt.latency_s for attempt in entry.attempts),
            messages=request.prompt.messages if store_prompts else None,
            answer=result.text if result and store_prompts else None,
            certificate_id=result.certificate_id if result else None,
            tool_calls=_calls(entry, store_prompts=store_prompts) if request.prompt.uses_tools else None,
        )


def canonical(features: Mapping[str, float]) -> str:
    """``features`` as JSON, the same for the same values. Raises ValueError where one is not finite."""
    return _dump(dict(features))


def hash_of(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _calls(entry: JournalEntry, *, store_prompts: bool) -> tuple[ToolCall, ...]:
    calls = entry.result.tool_calls if entry.result else ()
    return calls if store_prompts else tuple(ToolCall("", call.name, "") for call in calls)
