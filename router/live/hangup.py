"""SIGHUP: read the configuration again.

Decides that signals which come while one is being answered count as one. A configuration that cannot be
served is told in the log and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Self

from router.config.problems import ConfigError
from router.errors import RoutingError
from router.live.reloader import Change, Reloader, Terms

_LOG = logging.getLogger(__name__)

AUTHOR = "SIGHUP"


class Hangup:
    """Reloads at every SIGHUP while it is entered.

    ``told`` hears of each outcome, ``OK`` or a reason, and of the change, None where there was none.
    """

    def __init__(
        self, reloader: Reloader, told: Callable[[str, Change | None], None] = lambda _, __: None
    ) -> None:
        self._reloader = reloader
        self._told = told
        self._signalled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._signalled.set)
        self._task = asyncio.create_task(self._follow(), name="follow SIGHUP")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await self._signalled.wait()
            self._signalled.clear()
            self._told(*await self._reload())

    async def _reload(self) -> tuple[str, Change | None]:
        try:
            return "OK", await self._reloader.reload(Terms(AUTHOR))
        except ConfigError as error:
            _LOG.error("SIGHUP: nothing was changed, the configuration is wrong:\n%s", error)
            return "CONFIG_INVALID", None
        except RoutingError as error:
            _LOG.error("SIGHUP: %s: %s", error.reason, error)
            return error.reason, None
        except Exception as error:  # noqa: BLE001  the next signal must be answered too
            _LOG.error("SIGHUP: nothing was changed: an unforeseen %s", type(error).__name__, exc_info=True)
            return "INTERNAL", None
