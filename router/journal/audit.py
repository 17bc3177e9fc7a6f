"""An audit: what became of a request that a coin chose, held against the top tier's answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Audit:
    """One audited request.

    ``propensity``: probability in (0, 1] with which the coin chose it. ``tier`` is the one that
    served, ``top_tier`` what it was held against; they are the same where the top served, and then
    the loss is 0 by definition. ``agreed`` None: the two answers could not be compared. ``loss`` in
    [-1, 1] is what the watch was told, ``grounds`` where it comes from: ``top_served``, ``agreed``,
    ``feedback``, or ``expected`` as in calibration. Cost and latency are the audit's own. ``standing``:
    how the certificate stood once the watch was told, such as ``certified``; None: not recorded.
    """

    request_id: str
    certificate_id: str
    propensity: float
    tier: str
    top_tier: str
    agreed: bool | None
    loss: float
    grounds: str
    cost_usd_micros: int = 0
    latency_s: float = 0.0
    time_s: float = 0.0
    standing: str | None = None
