"""How a tier is protected: the numbers, with their meaning.

The defaults are those of a tier whose configuration says nothing, but for ``Retrying.max_count``: a tier that
is made without a configuration is asked once.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Retrying:
    """When a call that failed is made again.

    ``max_count`` further calls in a row at most. Before the n-th one waits a uniformly random part of
    ``min(max_wait_s, base_wait_s * 2 ** (n - 1))``, and as long as the tier asks for, ``max_retry_after_s``
    at most: one that asks for more is passed over. Over all requests, further calls number at most
    ``burst`` and ``ratio`` of those that succeeded.
    """

    max_count: int = 0
    base_wait_s: float = 0.1
    max_wait_s: float = 2.0
    max_retry_after_s: float = 10.0
    ratio: float = 0.2
    burst: int = 10


@dataclass(frozen=True, slots=True)
class Breaking:
    """When a tier is left alone because it fails.

    It is, for ``open_s``, where of the calls in the last ``window_s`` (``min_call_count`` at least) a share
    of ``failure_share`` failed. Then one call at a time probes: ``probe_count`` good ones in a row end it,
    a bad one doubles the time, up to ``max_open_s``. A tier that says itself when to come back is believed
    up to ``max_open_s`` too.
    """

    enabled: bool = True
    failure_share: float = 0.5
    min_call_count: int = 5
    window_s: float = 30.0
    open_s: float = 5.0
    max_open_s: float = 60.0
    probe_count: int = 1


@dataclass(frozen=True, slots=True)
class Adapting:
    """How many calls run at once: between ``min_concurrency`` and the tier's own limit.

    Fewer where the first token comes ``tolerance`` times later than it used to. ``enabled`` None: for tiers
    beyond this machine, where nobody says how much they stand; an engine here knows, and its first token
    comes later by design where it reads many prompts at once.
    """

    enabled: bool | None = None
    min_concurrency: int = 1
    tolerance: float = 2.0


@dataclass(frozen=True, slots=True)
class Hedging:
    """When a second call is made beside a slow one, for policies that hedge.

    Where no token came within the time in which it does in a share of ``quantile`` of calls; never before
    ``min_call_count`` were measured.
    """

    quantile: float = 0.95
    min_call_count: int = 20


@dataclass(frozen=True, slots=True)
class Resilience:
    """All of it, for one tier."""

    retries: Retrying = field(default_factory=Retrying)
    breaker: Breaking = field(default_factory=Breaking)
    adaptive: Adapting = field(default_factory=Adapting)
    hedge: Hedging = field(default_factory=Hedging)
