"""Why a request gets no answer, as far as its caller acts differently.

::

    RoutingError
     +-- InvalidRequest    something in it is wrong; says which fields
     +-- NoTierAllowed     its constraints and the policy's leave no tier
     +-- ContextTooLong    it fits no tier that is allowed
     +-- BudgetExhausted   the cheapest allowed tier costs more than what is left
     +-- QueueFull         every allowed tier has a full queue
     +-- RequestRefused    the providers of all allowed tiers refuse it, now and later
     +-- NoTierReady       every allowed tier failed or is down
     +-- DeadlineExceeded  its time ran out
     +-- UnknownRequest    feedback for a request that is not in the journal
     +-- Unauthenticated   it comes without a key, or with one that is not known (any more)
     +-- PermissionDenied  its key does not allow it
     +-- RateLimited       its tenant asks for more than it may
     +-- LedgerUnavailable its tenant's money cannot be counted now, so none is spent
     +-- ConfigRefused     a configuration cannot take the place of the one that is served
     +-- ConfigChanged     the configuration is not (any more) the one that the caller had seen
     +-- UnknownVersion    no such version of the configuration is kept

``reason`` is the stable word that the wire carries; ``metadata`` the values seen. Messages never
hold prompt text or a key. ``router/rpc/status.py`` has the one table from here to gRPC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class RoutingError(Exception):
    """Base of all errors that a request can end in."""

    reason = "INTERNAL"

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.metadata = dict(metadata or {})


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field: its path as in the proto, a stable reason, and a sentence."""

    field: str
    reason: str
    description: str


class InvalidRequest(RoutingError):
    """The request breaks the rules of its fields; ``violations`` is not empty."""

    reason = "REQUEST_INVALID"

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations
        if len({violation.reason for violation in violations}) == 1:
            self.reason = violations[0].reason


class NoTierAllowed(RoutingError):
    """The request's constraints and the policy's leave no tier."""

    reason = "NO_TIER_ALLOWED"


class ContextTooLong(RoutingError):
    """The prompt fits into no tier that is allowed."""

    reason = "CONTEXT_TOO_LONG"


class BudgetExhausted(RoutingError):
    """What is left of money or attempts does not pay for any allowed tier.

    ``retry_after_s``: when its tenant will have money again; None: it is the request's own budget.
    """

    reason = "BUDGET_EXHAUSTED"

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class QueueFull(RoutingError):
    """Every allowed tier is full; come back in ``retry_after_s``."""

    reason = "QUEUE_FULL"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestRefused(RoutingError):
    """The providers of all allowed tiers refuse the request; asking again does not help."""

    reason = "REQUEST_REFUSED"


class NoTierReady(RoutingError):
    """Every allowed tier failed; come back in ``retry_after_s``."""

    reason = "NO_TIER_READY"

    def __init__(
        self, message: str, *, retry_after_s: float = 1.0, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(RoutingError):
    """The request's time ran out before an answer could be accepted."""

    reason = "DEADLINE_EXCEEDED"


class MessageTooSlow(RoutingError):
    """What was to be asked did not come in time."""

    reason = "MESSAGE_TOO_SLOW"


class UnknownRequest(RoutingError):
    """No request of this id is in the journal."""

    reason = "REQUEST_UNKNOWN"


class Unauthenticated(RoutingError):
    """Nobody knows who calls; ``reason`` is KEY_MISSING, KEY_UNKNOWN or KEY_EXPIRED."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class PermissionDenied(RoutingError):
    """The caller's key does not allow the call; ``reason`` is TENANT_NOT_ALLOWED or SCOPE_MISSING."""

    def __init__(self, reason: str, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, metadata=metadata)
        self.reason = reason


class RateLimited(RoutingError):
    """The tenant asks for more than it may; come back in ``retry_after_s``."""

    reason = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_s: float, metadata: Mapping[str, str]) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class LedgerUnavailable(RoutingError):
    """The ledger cannot be reached, and no tier is free; come back in ``retry_after_s``."""

    reason = "LEDGER_UNAVAILABLE"

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ConfigRefused(RoutingError):
    """A configuration cannot be served now; nothing was changed.

    ``reason`` is RESTART_NEEDED, TIER_NOT_READY, CONFIG_NOT_LOADED, FILE_CHANGED or FILE_NOT_WRITTEN.
    """

    def __init__(self, reason: str, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, metadata=metadata)
        self.reason = reason


class ConfigChanged(RoutingError):
    """The caller's ETag is not that of the configuration that is served."""

    reason = "ETAG_MISMATCH"


class UnknownVersion(RoutingError):
    """No version of this number is kept."""

    reason = "VERSION_UNKNOWN"
