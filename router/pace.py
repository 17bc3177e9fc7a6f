"""How fast a tier answers of late: what decisions expect of its next answer.

Moving averages, fed by attempts that were served; bounded, and in memory only. Use from one thread.
"""

from __future__ import annotations

_LEAST_SHARE = 0.05
"""Of a new measurement, so that about the last 40 count; the first ones count alike."""
_FORGET_AFTER = 500
"""Requests without a measurement after which a tier is given the benefit of the doubt again: one that was
slow once, and is shunned for it, would otherwise never be seen to have recovered."""


class Pace:
    """Seconds to the first token, waiting for a turn included, and from one token to the next.

    Before anything was measured an answer takes ``typical_latency_s``, whatever its length.
    """

    def __init__(self, typical_latency_s: float) -> None:
        self._typical_latency_s = typical_latency_s
        self._forget()

    def expected(self) -> tuple[float, float]:
        """Seconds to the first token and for each further one, for a request that is planned now."""
        self._unmeasured_count += 1
        if self._unmeasured_count > _FORGET_AFTER:
            self._forget()
        return self._first_token_s, self._token_s

    def measured(self, first_token_s: float, latency_s: float, output_token_count: int) -> None:
        """Take in one attempt: when its first token came, how long it took, and its tokens."""
        self._unmeasured_count = 0
        self._first_count += 1
        self._first_token_s += _share(self._first_count) * (first_token_s - self._first_token_s)
        if output_token_count > 1:
            self._token_count += 1
            each_s = max(0.0, latency_s - first_token_s) / (output_token_count - 1)
            self._token_s += _share(self._token_count) * (each_s - self._token_s)

    def _forget(self) -> None:
        self._first_token_s, self._token_s = self._typical_latency_s, 0.0
        self._first_count = self._token_count = self._unmeasured_count = 0


def _share(count: int) -> float:
    return max(1.0 / count, _LEAST_SHARE)
