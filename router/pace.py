"""How fast a tier answers of late: what decisions expect of its next answer.

Moving averages, fed by attempts that were served; bounded, and in memory only. Use from one thread.
"""

from __future__ import annotations

_LEAST_SHARE = 0.05
"""Of a new measurement, so that about the last 40 count; the first ones count alike."""


class Pace:
    """Seconds to the first token, waiting for a turn included, and from one token to the next.

    Before anything was measured an answer takes ``typical_latency_s``, whatever its length.
    """

    def __init__(self, typical_latency_s: float) -> None:
        self.first_token_s = typical_latency_s
        self.token_s = 0.0
        self._first_count = 0
        self._token_count = 0

    def measured(self, first_token_s: float, latency_s: float, output_token_count: int) -> None:
        """Take in one attempt: when its first token came, how long it took, and its tokens."""
        self._first_count += 1
        self.first_token_s += _share(self._first_count) * (first_token_s - self.first_token_s)
        if output_token_count > 1:
            self._token_count += 1
            each_s = max(0.0, latency_s - first_token_s) / (output_token_count - 1)
            self.token_s += _share(self._token_count) * (each_s - self.token_s)


def _share(count: int) -> float:
    return max(1.0 / count, _LEAST_SHARE)
