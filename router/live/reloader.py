"""Changes of the configuration while the server runs, one at a time: all or nothing.

Decides the order: read, check, refuse what needs a restart, start what is new, write the file, swap, keep
the version. Whatever fails before the swap leaves service as it was. Refuses to know who may ask for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from policies.artefact import ArtefactError
from policies.guarantee.certificate_file import CertificateError
from router.errors import ConfigChanged, ConfigRefused
from router.ledger.base import LedgerUnfit
from router.live.config_file import ConfigFile, Written, etag_of
from router.live.core import Exchange, LiveRouter
from router.live.fixed import refuse_restart
from router.live.redact import check_nothing_is_redacted
from router.live.versions import Version, Versions

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A configuration that is served from now on; ``version`` None: it could not be kept."""

    etag: str
    version: int | None
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Terms:
    """Who asks for a change, and what must hold: ``if_match`` None: whatever is served now."""

    by: str
    if_match: str | None = None
    allow_unready: bool = False


class Reloader:
    """Changes what ``core`` serves, which began with ``served``. ``clock`` gives seconds since 1970."""

    def __init__(
        self,
        core: LiveRouter,
        file: ConfigFile,
        served: Written,
        versions: Versions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._core = core
        self._file = file
        self._versions = versions
        self._clock = clock
        self._lock = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self.served = served
        self.failure_count = 0
        self.last_success_s = clock()

    async def reload(self, terms: Terms) -> Change:
        """Serve what the file says now. Raises ConfigError, ConfigRefused or ConfigChanged."""
        return await self._whole(self._reload(terms))

    async def update(self, text: str, terms: Terms) -> Change:
        """Serve ``text``, and write it to the file. Raises as ``reload`` does."""
        return await self._whole(self._update(text, terms))

    async def rollback(self, number: int | None, terms: Terms) -> Change:
        """Serve version ``number``, None: the one before, and write it; raises UnknownVersion too."""
        return await self._whole(self._rollback(number, terms))

    def versions(self) -> tuple[Version, ...]:
        """Every version that is kept, oldest first."""
        return self._versions.all()

    def parsed(self, text: str) -> Written:
        """Check ``text`` as if it stood in the file; nothing changes. Raises ConfigError."""
        return self._file.parsed(text)

    async def _whole(self, change: Coroutine[Any, Any, Change]) -> Change:
        """Carry ``change`` out to its end, also where its caller goes away in the middle of it."""
        task = asyncio.create_task(self._alone(change))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _alone(self, change: Coroutine[Any, Any, Change]) -> Change:
        try:
            async with self._lock:
                return await change
        except BaseException:
            self.failure_count += 1
            raise
        finally:
            change.close()

    async def _reload(self, terms: Terms) -> Change:
        self._check_etag(terms)
        wanted = await asyncio.to_thread(self._file.read)
        return await self._serve(wanted, "reload", terms)

    async def _rollback(self, number: int | None, terms: Terms) -> Change:
        self._check_etag(terms)
        version = await asyncio.to_thread(self._find, number)
        wanted = await asyncio.to_thread(self._file.parsed, version.text)
        return await self._serve(wanted, f"rollback to {version.number}", terms, writes=True)

    async def _update(self, text: str, terms: Terms) -> Change:
        self._check_etag(terms)
        await asyncio.to_thread(self._check_file_is_served)
        wanted = await asyncio.to_thread(self._file.parsed, text)
        await asyncio.to_thread(check_nothing_is_redacted, text)
        return await self._serve(wanted, "update", terms, writes=True)

    def _find(self, number: int | None) -> Version:
        """Find a version; what stands in the file and was never served, be it broken, becomes one itself."""
        version = self._versions.before(self.served.etag) if number is None else self._versions.get(number)
        found = self._file.read_text()
        if etag_of(found) != self.served.etag:
            self._versions.keep(found, origin="found in the file", by="-", time_s=self._clock())
        return version

    def _check_file_is_served(self) -> None:
        if etag_of(self._file.read_text()) != self.served.etag:
            raise ConfigRefused(
                "FILE_CHANGED",
                f"{self._file.path} was changed by hand and is not what is served, so nothing was changed; "
                "reload it first, or put it back",
            )

    def _check_etag(self, terms: Terms) -> None:
        if terms.if_match not in (None, self.served.etag):
            raise ConfigChanged(
                f"the configuration that is served has the ETag {self.served.etag}, not {terms.if_match}; "
                "look at it anew",
                metadata={"etag": self.served.etag},
            )

    async def _serve(self, wanted: Written, origin: str, terms: Terms, *, writes: bool = False) -> Change:
        before = self.served
        refuse_restart(before.config, wanted.config)
        try:
            exchange = await self._core.exchange(
                wanted.config,
                allow_unready=terms.allow_unready,
                commit=(lambda: self._file.write(wanted.text)) if writes else None,
            )
        except (ArtefactError, CertificateError, LedgerUnfit, OSError) as exc:
            raise ConfigRefused("CONFIG_NOT_LOADED", f"{exc}; nothing was changed") from exc
        self.served = wanted
        self.last_success_s = self._clock()
        version = await asyncio.to_thread(self._keep, before, origin, terms.by)
        _LOG.info(
            "configuration %s is served (%s by %s): kept %s; started %s; closed %s",
            wanted.etag,
            origin,
            terms.by,
            *(", ".join(names) or "-" for names in (exchange.kept, exchange.started, exchange.closed)),
        )
        return Change(wanted.etag, version, exchange)

    def _keep(self, before: Written, origin: str, by: str) -> int | None:
        """Keep what is served now, behind what was before; trouble with the folder is only logged."""
        now_s = self._clock()
        try:
            self._versions.keep(before.text, origin="served before", by="-", time_s=now_s)
            kept = self._versions.keep(self.served.text, origin=origin, by=by, time_s=now_s)
        except OSError as exc:
            _LOG.error("the version cannot be kept in %s: %s", self._versions.folder, exc.strerror)
            return None
        return kept.number
