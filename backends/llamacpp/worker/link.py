"""One life of a worker process, seen from the service: how it is started, spoken to, and what it died of.

Lives on one event loop. Refuses to know what the messages mean.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from backends.llamacpp.worker.frames import FrameError, FrameReader
from backends.llamacpp.worker.messages import Order, Report, read_report, write_order

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[3]
_LAST_LINE_COUNT = 12
_LINE_LENGTH = 300
_READ_BYTE_COUNT = 2**14
_DYING_S = 1.0
# llama.cpp's assertions, C++'s last words, and the end of a Python traceback.
_COMPLAINT = re.compile(r"ASSERT|what\(\)|^\w*(Error|Exception)\b")
_BUILD_FOLDER = re.compile(r"/\S*/vendor/")
# Only where the user has not set them. OpenMP's threads, which compute, spin so many times before they
# sleep. Milliseconds a token on 2 cores (0.6B), alone and beside one busy process: 0 times 36 and 36,
# 1,000 times 20 and 55, 5,000 times 20 and 85, 20,000 times 20 and 188; by default it is 300,000. It also
# overrides OMP_WAIT_POLICY, which the service sets for engines of its own. Threads of NumPy's would take
# the cores, and a backtrace by gdb holds a crash up for seconds.
_ENVIRONMENT = {"GOMP_SPINCOUNT": "1000", "OPENBLAS_NUM_THREADS": "1", "GGML_NO_BACKTRACE": "1"}


def worker_command() -> tuple[str, ...]:
    """Command line of a worker; the file descriptor of its channel is to be added."""
    # With -P, a folder called `backends` where the user happens to be is not taken for ours.
    safe = () if Path.cwd() == _ROOT else ("-P",)
    return (sys.executable, *safe, "-m", "backends.llamacpp.worker")


def worker_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Environment of a worker whose service has ``own``."""
    return {**_ENVIRONMENT, **own}


class Link(asyncio.Protocol):
    """A worker process and the channel to it. Reports come to ``on_report`` as they arrive."""

    def __init__(self, on_report: Callable[[Report], None]) -> None:
        self._on_report = on_report
        self._reader = FrameReader()
        self._lost = asyncio.Event()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINE_COUNT)
        self.last_complaint = ""
        self._verdict: str | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def process_id(self) -> int | None:
        """The worker's, while it runs."""
        return None if self._process is None or self._lost.is_set() else self._process.pid

    @property
    def last_lines(self) -> str:
        """The last that it wrote to stderr; ``last_complaint`` is the last that tells of an error."""
        return "\n".join(self._last_lines)

    async def start(self, command: Sequence[str]) -> None:
        """Start ``command`` with a channel; raises OSError where that cannot be."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                ours.setblocking(False)
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    str(theirs.fileno()),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    env=worker_environment(os.environ),
                )
                self._listening = asyncio.create_task(self._listen(self._process))
                await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)
            except BaseException:
                ours.close()
                self._kill()
                raise

    def send(self, order: Order) -> None:
        """Send ``order``; one that comes after the death is lost. Raises FrameError where it is too long."""
        data = write_order(order)
        if self._transport is not None:
            self._transport.write(data)

    def condemn(self, verdict: str) -> None:
        """Kill the worker; ``verdict`` is what it is said to have died of, as in: the worker <verdict>."""
        if not self._lost.is_set():
            self._verdict = self._verdict or verdict
            self._kill()

    async def ended(self) -> str:
        """Wait for the worker's death and return what it died of."""
        await self._lost.wait()
        assert self._process is not None
        assert self._listening is not None
        # It loses its channel by dying; one that closes it alive has no use.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _DYING_S)
        self._kill()
        code = await self._process.wait()
        await self._listening
        # It closes by itself a turn of the loop later, which a loop that ends now does not have.
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
        return self._verdict or _cause(code)

    async def close(self) -> None:
        """Kill the worker and wait for its death."""
        self._verdict = self._verdict or "was closed"
        self._kill()
        if self._transport is not None:
            self._transport.close()
        await self.ended()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what writes go to."""
        # Not to be asked: uvloop's transports are of no class of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass reports on; a worker that sends anything else is killed."""
        if self._verdict is not None:
            return
        try:
            for payload in self._reader.feed(data):
                self._on_report(read_report(payload))
        except FrameError as exc:
            self.condemn(f"sent garbage ({exc})")

    def connection_lost(self, _: Exception | None) -> None:
        """Note that no more will come."""
        self._transport = None
        self._lost.set()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Pass stderr to the log line by line; most of it is llama.cpp's chatter."""
        assert process.stderr is not None
        held = b""
        while data := await process.stderr.read(_READ_BYTE_COUNT):
            *lines, held = (held + data).split(b"\n")
            held = held[-_READ_BYTE_COUNT:]
            for line in lines:
                self._note(line)
        if held:
            self._note(held)

    def _note(self, line: bytes) -> None:
        text = line.decode(errors="replace")[:_LINE_LENGTH]
        logger.debug("%s", text)
        if text.strip(" ."):
            self._last_lines.append(text)
        if _COMPLAINT.search(text):
            self.last_complaint = _BUILD_FOLDER.sub("", text).strip()


def _cause(code: int) -> str:
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"died by {signal.Signals(-code).name}"
    except ValueError:
        return f"died by signal {-code}"
