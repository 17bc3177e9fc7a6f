"""Which error a request ends in when no tier could answer it.

Decides from why each tier of the ladder was left out or failed. Refuses to try anything again.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.errors import (
    BudgetExhausted,
    ContextTooLong,
    DeadlineExceeded,
    NoTierAllowed,
    NoTierReady,
    QueueFull,
    RequestRefused,
    RoutingError,
)

# Reasons that the caller can mend by asking differently; they count only where nothing else stood in the way.
_OVER_BUDGET = frozenset({"over_budget", "no_attempts_left"})
_NOT_ALLOWED = frozenset({"not_allowed", "external", "no_grammar", "no_images", "no_tools", "passed_over"})
COMES_BACK = frozenset({"unavailable", "overloaded", "not_ready", "timed_out", "failed", "circuit_open"})
"""Reasons that pass by themselves."""


def failure(reasons: Mapping[str, str], *, has_time: bool, retry_after_s: float = 1.0) -> RoutingError:
    """Choose the error, from the reason of each tier by name.

    What passes by itself (a full queue, a tier that is down) is told before what does not.
    """
    found = set(reasons.values())
    said = "; ".join(f"{tier}: {reason}" for tier, reason in reasons.items())
    if not has_time or found == {"timed_out"}:
        return DeadlineExceeded(f"no answer could be accepted in time ({said})", metadata=reasons)
    if "overloaded" in found and found <= {"overloaded"} | _NOT_ALLOWED | _OVER_BUDGET:
        return QueueFull(f"every tier that may be used is full ({said})", retry_after_s=retry_after_s)
    if found & COMES_BACK:
        return NoTierReady(f"no tier could answer ({said})", retry_after_s=retry_after_s, metadata=reasons)
    return _final(found, said, reasons)


def _final(found: set[str], said: str, reasons: Mapping[str, str]) -> RoutingError:
    if "refused" in found:
        return RequestRefused(f"the tiers that may be used refuse the request ({said})", metadata=reasons)
    if found & _OVER_BUDGET:
        return BudgetExhausted(
            f"what is left of the budget pays for no tier ({said}); raise max_cost or allow a cheaper tier",
            metadata=reasons,
        )
    if "context_too_long" in found:
        return ContextTooLong(
            f"the prompt fits into no tier that may be used ({said}); shorten it", metadata=reasons
        )
    return NoTierAllowed(
        f"the constraints leave no tier ({said}); allow another tier or drop a constraint", metadata=reasons
    )
