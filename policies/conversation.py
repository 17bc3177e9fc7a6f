"""A conversation keeps its tier: where it starts, and where it does not go back to.

Decides from ``State.conversation_tier`` alone; who remembers conversations, and which of them may keep a
tier, is not a decision. Policies that name their tiers (``fixed``, and ``certified`` by itself) do not ask.
"""

from __future__ import annotations

from dataclasses import replace

from policies.arms import tier_of
from policies.base import Candidate, State, Try
from policies.reasons import Reason


def kept(state: State) -> Try | None:
    """Try the conversation's own tier first; None: it is free, was tried, or cannot be."""
    own = state.conversation_tier
    is_first = not state.answered and not state.stopped
    can_be_tried = any(candidate.tier == own for candidate in state.candidates)
    return Try(own, Reason.CONVERSATION) if own is not None and is_first and can_be_tried else None


def conversing(state: State) -> State:
    """``state`` without the candidates below the conversation's tier, while any other is left or answered.

    What was too hard for them in this conversation once is not asked of them again; but some answer beats
    none.
    """
    own = state.conversation_tier
    if own is None or own not in state.ladder:
        return state
    above = set(state.ladder[state.ladder.index(own) :])
    candidates = tuple(candidate for candidate in state.candidates if _is_of(candidate, above))
    return replace(state, candidates=candidates) if candidates or state.answered else state


def _is_of(candidate: Candidate, tiers: set[str]) -> bool:
    return tier_of(candidate.tier) in tiers
