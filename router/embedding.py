"""Texts into vectors, by the cheapest tier that can.

Only tiers on this machine are asked, so that no text leaves it and no money is spent; vectors of two models
cannot be compared, so nothing is tried again elsewhere. Refuses to know how texts came in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from backends import errors as backend_errors
from backends.types import Message, Prompt, Role
from router.errors import (
    ContextTooLong,
    DeadlineExceeded,
    InvalidRequest,
    NoTierAllowed,
    NoTierReady,
    RoutingError,
    Violation,
)
from router.tiers import Tier


@dataclass(frozen=True, slots=True)
class Texts:
    """What is to be embedded, for whom and by when; ``tier`` None: by the cheapest that embeds."""

    texts: tuple[str, ...]
    timeout_s: float
    tier: str | None = None
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Embedded:
    """One vector of Euclidean length 1 a text, and the tier that made them; tokens are an estimate."""

    tier: str
    vectors: tuple[tuple[float, ...], ...]
    input_token_count: int


async def embed(texts: Texts, tiers: Sequence[Tier]) -> Embedded:
    """Embed by one of ``tiers``, cheapest first. Raises RoutingError."""
    tier = _chosen(texts, tiers)
    backend = tier.backend
    try:
        async with asyncio.timeout(texts.timeout_s):
            vectors = await backend.embed(texts.texts)
    except TimeoutError:
        raise DeadlineExceeded(f"tier {tier.name!r} did not embed {len(texts.texts)} texts in time") from None
    except backend_errors.BackendError as exc:
        raise _told(exc, tier.name) from exc
    prompt = Prompt((Message(Role.USER, "\n".join(texts.texts)),))
    return Embedded(tier.name, tuple(map(tuple, vectors)), backend.count_tokens(prompt))


def _chosen(texts: Texts, tiers: Sequence[Tier]) -> Tier:
    named = [tier for tier in tiers if texts.tier in (None, tier.name)]
    if not named:
        known = ", ".join(tier.name for tier in tiers)
        said = f"no tier is called {(texts.tier or '')[:64]!r}; there are: {known}"
        raise InvalidRequest((Violation("model", "TIER_UNKNOWN", said),))
    able = [tier for tier in named if tier.backend.embeds]
    if not able:
        raise NoTierAllowed("no tier that may be used turns texts into vectors on this machine")
    ready = [tier for tier in able if tier.ready]
    if not ready:
        raise NoTierReady("the tiers that turn texts into vectors are down")
    return ready[0]


def _told(error: backend_errors.BackendError, tier: str) -> RoutingError:
    match error:
        case backend_errors.ContextTooLong():
            return ContextTooLong(f"a text does not fit into the context of tier {tier!r}; shorten it")
        case backend_errors.Refused():
            return InvalidRequest((Violation("input", "TEXT_REFUSED", f"is refused by tier {tier!r}"),))
    return NoTierReady(f"tier {tier!r} could not embed: {error.reason}")
