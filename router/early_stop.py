"""The eye on an answer that is being written and may be rejected: stop it where it will not be kept.

Feeds running statistics with every token, and asks at the checkpoints that were learnt. Refuses to
know what is at stake before it matters: that is asked for only where the beginning looks bad.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from backends.types import TokenLogprob
from policies.signals.prefix import CHECKPOINTS, PrefixStatistics
from policies.stopping import Checkpoint, Stakes, Stopping, hopeless

KEPT_PROBABILITY = "kept_probability"
"""Name, among an attempt's signals, of the probability on which it was stopped."""


class Watch:
    """Watches one attempt of one tier.

    ``quality`` is what was predicted of it. ``stakes`` says what hangs on the answer now, given the
    checkpoint; None: nothing else could be asked, so it goes on.
    """

    def __init__(
        self, stopping: Stopping, tier: str, quality: float, stakes: Callable[[Checkpoint], Stakes | None]
    ) -> None:
        self._stopping = stopping
        self._tier = tier
        self._quality = quality
        self._stakes = stakes
        self._statistics = PrefixStatistics()
        self.signals: dict[str, float] = {}
        self.expected_confidence: float | None = None

    def is_hopeless(self, tokens: Sequence[TokenLogprob]) -> bool:
        """Take in the tokens that came in one piece; True where the answer should be stopped now.

        What came after a checkpoint in the same piece is written already, and not saved by stopping.
        ``signals`` then hold what it was stopped on, ``expected_confidence`` what was to be expected.
        """
        if self._statistics.count >= CHECKPOINTS[-1]:
            return False
        for place, token in enumerate(tokens, start=1):
            self._statistics.add(token)
            if self._statistics.is_at_checkpoint and self._is_hopeless_now(len(tokens) - place):
                return True
        return False

    def _is_hopeless_now(self, written_since_count: int) -> bool:
        point = self._stopping.at(self._tier, self._statistics.count)
        if point is None:
            return False
        point = replace(point, rest_token_count=max(0.0, point.rest_token_count - written_since_count))
        measured = self._statistics.measures()
        found = hopeless(point, self._quality, measured, self._stakes)
        if found is None:
            return False
        self.expected_confidence = found.expected_confidence
        self.signals = {**measured, KEPT_PROBABILITY: found.kept}
        return True
