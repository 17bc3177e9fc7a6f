"""What the pages look at and act on, joined; they know nothing else of the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from backends.types import Usage
from router.config.model import Config
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.rpc.admin.audit_log import AuditLog
from router.rpc.places import Places
from router.tenants.key_ring import KeyRing
from router.ui.history import History
from router.ui.sessions import Sessions
from router.ui.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Served:
    """What a server is made of, as far as its pages look at it or ask it.

    ``places`` are shared with its other doors; ``audit`` None: nobody writes down what was done.
    """

    core: LiveRouter
    reloader: Reloader
    places: Places
    audit: AuditLog | None


@dataclass(frozen=True, slots=True)
class Sources:
    """The server as its pages see it.

    ``sessions`` None: nobody is asked for a key. ``audit`` None: nobody writes down what was done.
    ``started_s`` is seconds since 1970.
    """

    core: LiveRouter
    reloader: Reloader
    places: Places
    traffic: Traffic
    history: History
    sessions: Sessions | None
    audit: AuditLog | None
    started_s: float

    @property
    def config(self) -> Config:
        """The configuration that is served now."""
        return self.reloader.served.config

    @property
    def ladder(self) -> tuple[str, ...]:
        """Names of all tiers, cheapest first: the order of their colours."""
        return tuple(tier.name for tier in self.core.tiers())

    def note(self, what: str, by: str, outcome: str, peer: str, **more: object) -> None:
        """Write into the audit log, where there is one."""
        if self.audit is not None:
            self.audit.note(what, by=by, outcome=outcome, peer=peer, via="ui", **more)


def sources_of(served: Served, clock: Callable[[], float] = time.time) -> Sources:
    """Join what a server is made of. Opens nothing."""
    core, reloader = served.core, served.reloader
    config = reloader.served.config
    traffic = Traffic(lambda: baseline_of(reloader.served.config, core), _pricing(core), clock)
    keys = None if config.auth.keys is None else KeyRing(config.auth.keys)
    return Sources(
        core=core,
        reloader=reloader,
        places=served.places,
        traffic=traffic,
        history=History(config.journal.path, config.ui.history_request_count),
        sessions=None if keys is None else Sessions(keys, config.ui.session_hours * 3600.0),
        audit=served.audit,
        started_s=clock(),
    )


def baseline_of(config: Config, core: LiveRouter) -> str:
    """The tier that always asking is compared with: the configured one, else the dearest."""
    return config.ui.baseline or core.router.parts.tiers[-1].name


def _pricing(core: LiveRouter) -> Callable[[str, Usage], int | None]:
    def price(name: str, usage: Usage) -> int | None:
        tiers = core.router.parts.tiers
        return next((tier.price.cost_usd_micros(usage) for tier in tiers if tier.name == name), None)

    return price
