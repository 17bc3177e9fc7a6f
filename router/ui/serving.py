"""The pages of a server that is being joined: whether there are any, and what listens for them."""

from __future__ import annotations

from router.observe.watch import Watch
from router.ui.app import Pages, is_wanted
from router.ui.sources import Served, sources_of

__all__ = ["Served", "pages_at"]


def pages_at(listen: str, served: Served, watch: Watch) -> Pages | None:
    """The pages of what is ``served``, for an HTTP port at ``listen``; None: there are to be none.

    To be entered while the port is open; ``Pages.routes`` are its addresses. Where there are none, nothing
    listens to requests either.
    """
    if not is_wanted(served.reloader.served.config, listen):
        return None
    sources = sources_of(served)
    watch.listen(sources.traffic.heard)
    return Pages(sources, listen)
