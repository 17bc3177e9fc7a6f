"""What need not be read again: beginnings that another answer has read, from the memory or the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from operator import itemgetter
from typing import Any, Protocol

from backends.errors import Unavailable
from backends.serving.parts import Memory
from backends.serving.prefix_cache import Match
from backends.serving.scheduler import MIN_SHARED_TOKEN_COUNT
from backends.serving.sequence import Sequence, shared_length

# Saving and restoring 128 tokens takes 10 ms, reading them 600 (0.6B, 2 threads); so copying 32 tokens
# costs less than reading one.
_COPIED_PER_READ = 32


class Cache(Protocol):
    """Where states are kept, such as :class:`backends.serving.prefix_cache.PrefixCache`."""

    def longest(self, tokens: tuple[int, ...], adapter: str | None) -> Match[Any] | None:
        """Find the state that shares the longest beginning with ``tokens``."""

    def keep(self, tokens: tuple[int, ...], state: Any, adapter: str | None) -> None:
        """Keep ``state`` if there is room."""


class Prefixes:
    """Gives sequences the state of the longest beginning that is known of them."""

    def __init__(
        self,
        cache: Cache,
        memory: Memory,
        key: Callable[[str | None], str | None] = lambda adapter: adapter,
        *,
        exact: bool = False,
    ) -> None:
        """Store; ``key`` tells an adapter's contents from all others by its name.

        ``exact`` where states cannot be cut back, so that only whole ones are of use.
        """
        self._cache = cache
        self._memory = memory
        self._key = key
        self._exact = exact

    def recall(self, sequence: Sequence, running: Iterable[Sequence]) -> None:
        """Give ``sequence`` what is known of its beginning, in ``state`` and ``computed``.

        Its last token is always left to be computed: the next one is drawn from its logits.
        """
        length, state = self._cached(sequence)
        shared, other = max(
            ((self._shared(sequence, other), other) for other in running),
            key=itemgetter(0),
            default=(0, None),
        )
        if other is not None and shared >= length + MIN_SHARED_TOKEN_COUNT:
            # Where there is no memory for a copy, it is read again.
            with suppress(Unavailable):
                length, state = shared, self._keep(other)
        if length > 0:
            sequence.state = state
            sequence.computed = sequence.cached = length

    def keep(self, sequence: Sequence) -> None:
        """Keep what the memory holds of ``sequence``, where it is more than was known before."""
        new = sequence.computed - sequence.cached
        if sequence.slot is not None and not sequence.forgotten and new >= MIN_SHARED_TOKEN_COUNT:
            with suppress(Unavailable):
                self._keep(sequence)

    def _keep(self, sequence: Sequence) -> Any:
        state = self._memory.save(sequence)
        tokens = tuple(sequence.tokens[: sequence.computed])
        self._cache.keep(tokens, state, self._key(sequence.work.adapter))
        return state

    def _cached(self, sequence: Sequence) -> tuple[int, Any]:
        """Length and state of the longest beginning in the cache."""
        match = self._cache.longest(tuple(sequence.tokens), self._key(sequence.work.adapter))
        if match is None:
            return 0, None
        length = self._usable(min(match.length, len(sequence.tokens) - 1), match.whole_length)
        return length, match.state if length else None

    def _shared(self, sequence: Sequence, other: Sequence) -> int:
        """Length of the beginning of ``sequence`` that the memory holds for ``other``."""
        if other.slot is None or other.forgotten or other.work.adapter != sequence.work.adapter:
            return 0
        shared = min(shared_length(sequence.tokens, other.tokens), other.computed, len(sequence.tokens) - 1)
        return self._usable(shared, other.computed)

    def _usable(self, shared: int, whole: int) -> int:
        """``shared``, or 0 where a state of ``whole`` tokens cannot be cut to it or takes longer to copy."""
        least = max(MIN_SHARED_TOKEN_COUNT, whole // _COPIED_PER_READ)
        return shared if shared == whole or (shared >= least and not self._exact) else 0
