"""The worker process: a thread that reads orders, and the engine thread that carries them out.

Lives as long as the other end of its channel: when that closes, by whatever death, it exits at once,
also in the middle of a step. Sleeps while there is nothing to do.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Never

from backends.llamacpp.worker.fleet import Fleet
from backends.llamacpp.worker.frames import FrameReader
from backends.llamacpp.worker.loading import Landed, Loader
from backends.llamacpp.worker.messages import Order, Ping, Pulse, Report, read_order, write_report

_RECEIVE_BYTE_COUNT = 2**16


class _Channel:
    """The worker's end: reports go out from several threads, each whole."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, report: Report) -> None:
        data = write_report(report)
        with self._sending:
            self._connection.sendall(data)

    def receive(self) -> bytes:
        return self._connection.recv(_RECEIVE_BYTE_COUNT)


class Worker:
    """What the two threads share: an inbox, and how far the engine thread has come."""

    def __init__(self, connection: socket.socket) -> None:
        self._channel = _Channel(connection)
        self._inbox: SimpleQueue[Order | Landed] = SimpleQueue()
        self._fleet = Fleet(self._channel.send, Loader(self._inbox.put).begin)
        self._step_count = 0
        self._busy = False

    def run(self) -> Never:
        """Work until the process ends."""
        threading.Thread(target=_or_die, args=(self._read,), name="reader", daemon=True).start()
        _or_die(self._compute)

    def _compute(self) -> None:
        while True:
            self._take_orders()
            self._fleet.step()
            self._step_count += 1

    def _take_orders(self) -> None:
        """Take all that has come, and wait for something where there is nothing else to do."""
        self._busy = self._fleet.has_work
        if not self._busy:
            first = self._inbox.get()
            self._busy = True
            self._obey(first)
        while not self._inbox.empty():
            self._obey(self._inbox.get())

    def _obey(self, order: Order | Landed) -> None:
        if isinstance(order, Landed):
            self._fleet.land(order)
        elif not isinstance(order, Ping):
            self._fleet.obey(order)

    def _read(self) -> None:
        """Take orders off the channel until it closes."""
        self._channel.send(Report(pulse=self._pulse()))
        reader = FrameReader()
        while data := self._channel.receive():
            for payload in reader.feed(data):
                self._sort(read_order(payload))

    def _sort(self, order: Order) -> None:
        if isinstance(order, Ping):
            self._channel.send(Report(pulse=self._pulse()))
        else:
            self._inbox.put(order)

    def _pulse(self) -> Pulse:
        return Pulse(self._step_count, self._busy)


def _or_die(work: Callable[[], None]) -> Never:
    """Run ``work``, and end the process with it.

    Not by sys.exit: the other threads may be in the middle of a step or a load, and nobody waits for them.
    """
    code = 0
    try:
        work()
    except (BrokenPipeError, ConnectionResetError):
        pass  # the service is gone
    except BaseException:  # noqa: BLE001  the edge: what comes here is a bug, and told on stderr
        traceback.print_exc()
        code = 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(descriptor: int) -> None:
    """Serve the channel whose file descriptor is ``descriptor``."""
    faulthandler.enable()
    # A terminal's Ctrl-C and a supervisor's SIGTERM reach the whole group; the service decides when to
    # end, and what runs until then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG, format="%(message)s")
    Worker(socket.socket(fileno=descriptor)).run()
