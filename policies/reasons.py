"""The stable words that verdicts give as their reason; journals, metrics and the wire carry them."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a policy decided as it did."""

    FIXED = "fixed"
    """Try: the policy names this tier."""
    MIX = "mix"
    """Try: the request's draw fell on this tier."""
    CONVERSATION = "conversation"
    """Try: it answered earlier in the same conversation."""
    CHEAPEST = "cheapest"
    """Try: nothing is answered yet and this is the cheapest tier worth a try."""
    BEST_VALUE = "best_value"
    """Try: first tier of the continuation that promises the most, its cost counted."""
    LOW_CONFIDENCE = "low_confidence"
    """Try: the best answer so far is less certain than asked for."""
    FAILED_VALIDATION = "failed_validation"
    """Try: a validator proved every answer so far wrong."""
    ABORTED_EARLY = "aborted_early"
    """Try: the attempt before was stopped while it was written, for it would hardly have been kept."""
    RETRIED = "retried"
    """Try: the same tier once more, for what it failed of may be over."""
    HEDGED = "hedged"
    """Try: the same tier a second time, for the first call is slow; what answers first is kept."""
    FALL_BACK = "fall_back"
    """Try: the tier of choice cannot be tried, this one stands in."""

    ANSWERED = "answered"
    """Accept: the tier of choice answered; the policy asks no further."""
    CONFIDENT = "confident"
    """Accept: the answer is as certain as asked for."""
    NOT_WORTH_MORE = "not_worth_more"
    """Accept: no further attempt would gain what it costs."""
    EXHAUSTED = "exhausted"
    """Accept: no tier is left to try; the best answer there is."""

    NO_TIER_LEFT = "no_tier_left"
    """Stop: nothing was answered and no tier that the policy allows can be tried."""
