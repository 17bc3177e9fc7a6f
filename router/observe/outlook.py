"""All that looks on at a served router, as the configuration says.

The one place where listeners are made; imports their libraries only where they are wanted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from router.config.model import Config
from router.energy.meter import Meter
from router.energy.nvml import nvml_counters
from router.energy.power import Counter, Power
from router.energy.rapl import rapl_counters
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.observe.extra import wanted_by
from router.observe.request_log import log_run
from router.observe.run import Run
from router.observe.watch import Sight, Watch
from router.rpc.calls import CallListener
from router.rpc.names import METHODS


class Outlook:
    """Looks on as ``config`` says. Raises MissingExtra where a library is not there.

    ``watch`` is the observer of routers; ``call_listeners`` are for the port; ``beside`` is to be entered
    while it serves, and then ``metrics_address`` says where figures are, None: nowhere. ``look_at`` is
    called once, before anything is served.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._logs_requests = config.logs.requests
        is_traced = config.tracing.exporter != "none"
        power = _power() if config.energy.measure else None
        meter = None if power is None else Meter(lambda: power.watts, time.monotonic)
        self.watch = Watch(
            Sight(
                config.tracing.sample_ratio if is_traced else None,
                meter,
                config.energy.grams_co2_per_kwh,
            )
        )
        self.call_listeners: list[CallListener] = []
        self.beside: list[AbstractAsyncContextManager[object]] = []
        if power is not None and meter is not None:
            power.is_wanted = meter.is_wanted
            self.beside.append(power)
        self.metrics_address: Callable[[], str] | None = None

    def look_at(self, core: LiveRouter, reloader: Reloader) -> None:
        """Look at what ``core`` serves."""
        core.follow(lambda: self.watch.look_at(core.router.parts.tiers))
        self.watch.listen(self._log)
        if self._config.tracing.exporter != "none":
            self._trace()
        if self._config.metrics.listen is not None:
            self._count(self._config.metrics.listen, core, reloader)

    def adapt(self, config: Config) -> None:
        """Look on as ``config`` says, as far as that can change while it serves."""
        self._logs_requests = config.logs.requests
        ratio = None if self.watch.sight.sample_ratio is None else config.tracing.sample_ratio
        self.watch.sight = replace(
            self.watch.sight, sample_ratio=ratio, grams_co2_per_kwh=config.energy.grams_co2_per_kwh
        )

    def _log(self, run: Run) -> None:
        if self._logs_requests:
            log_run(run)

    def _trace(self) -> None:
        with wanted_by("tracing"):
            from router.observe.tracing import Tracing, exporter_named

            tracing = Tracing(exporter_named(self._config.tracing.exporter), self.watch.tier)
        self.watch.listen(tracing.hear_run)
        self.beside.append(tracing)

    def _count(self, listen: str, core: LiveRouter, reloader: Reloader) -> None:
        with wanted_by("metrics"):
            from router.observe.metrics import Metrics
            from router.observe.port import MetricsPort
            from router.observe.registry import new_registry
            from router.observe.state import State

        registry = new_registry()
        metrics = Metrics(registry)
        registry.register(State(core, reloader))
        core.follow(lambda: metrics.seed(core.tier_names(), core.policy_names(), METHODS))
        self.watch.listen(metrics.hear_run)
        self.call_listeners.append(metrics.hear_call)
        port = MetricsPort(listen, self._config.metrics, registry)
        self.beside.append(port)
        self.metrics_address = lambda: port.address


def _power() -> Power | None:
    """The machine's meters; None where it has none that can be read."""
    counters: list[Counter] = [*rapl_counters(), *nvml_counters()]
    return Power(counters) if counters else None
