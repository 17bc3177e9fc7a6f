"""The pages of a server that is being joined: whether there are any, and what listens for them."""

from __future__ import annotations

from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.observe.watch import Watch
from router.rpc.admin.audit_log import AuditLog
from router.ui.app import Pages, is_wanted
from router.ui.sources import sources_of


def pages_at(
    listen: str, core: LiveRouter, reloader: Reloader, watch: Watch, audit: AuditLog | None
) -> Pages | None:
    """The pages of what ``core`` serves, for an HTTP port at ``listen``; None: there are to be none.

    To be entered while the port is open; ``Pages.routes`` are its addresses. Where there are none, nothing
    listens to requests either.
    """
    if not is_wanted(reloader.served.config, listen):
        return None
    sources = sources_of(core, reloader, audit)
    watch.listen(sources.traffic.heard)
    return Pages(sources, listen)
