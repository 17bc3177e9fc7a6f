"""A worker that speaks the protocol and then fails in the way it is told: it stalls, dies or lies.

``python fake_worker.py BEHAVIOUR LIVES FILE_DESCRIPTOR``. The file LIVES gets a byte at every start. Its
answers are the tokens 0, 1, 2, …
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

from backends.llamacpp.worker.frames import FrameReader
from backends.llamacpp.worker.messages import (
    AddAdapter,
    Embed,
    Open,
    Opened,
    Order,
    Ping,
    Pulse,
    RemoveAdapter,
    Reply,
    Report,
    Submit,
    read_order,
    write_report,
)
from backends.serving.work import Began, Work, Wrote
from backends.types import TokenLogprob


class FakeWorker:
    """Carries out orders at once, and misbehaves at the place that the behaviour's name tells."""

    def __init__(self, behaviour: str, life: int, connection: socket.socket) -> None:
        self._behaviour = behaviour
        self._life = life
        self._connection = connection

    def run(self) -> None:
        """Serve until the channel closes."""
        if self._behaviour == "exits_at_once":
            sys.exit("ImportError: there is no llama here")
        if self._behaviour == "is_mute":
            signal.pause()
        reader = FrameReader()
        self._say(Report(pulse=Pulse(0, busy=False)))
        while data := self._connection.recv(65536):
            for payload in reader.feed(data):
                self._obey(read_order(payload))

    def _obey(self, order: Order) -> None:
        match order:
            case Open():
                self._say(Report(opening=(order.model,)))
                self._dies_if("dies_on_loading")
                self._dies_if("dies_on_loading_twice", lives=2)
                self._say(Report(opened=(Opened(order.model, 2048, 1000, extra_buffers=True),)))
            case Submit():
                self._answer(order.work)
            case Embed():
                self._dies_if("dies_once", lives=1)
                self._say(Report(replies=(Reply(order.id, ((1.0, 0.0),) * len(order.texts)),)))
            case AddAdapter() | RemoveAdapter():
                self._say(Report(replies=(Reply(order.id),)))
            case Ping():
                self._say(Report(pulse=Pulse(7, busy=self._behaviour == "makes_no_step" and self._life == 1)))

    def _answer(self, work: Work) -> None:
        self._dies_if("dies_unbegun")
        if self._behaviour == "keeps_waiting" and self._life == 1:
            return
        self._say(Report(began=(Began(work.id, 0),)))
        for number in range(len(work.written), work.output_limit):
            if number == 3:
                self._misbehave()
                if self._behaviour == "makes_no_step" and self._life == 1:
                    return
            self._say(Report(wrote=(Wrote(work.id, number, TokenLogprob(f"{number} ", -0.5)),)))

    def _misbehave(self) -> None:
        self._dies_if("dies_once", lives=1)
        self._dies_if("dies_always")
        if self._life > 1:
            return
        if self._behaviour == "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._behaviour == "sends_a_bad_length":
            self._connection.sendall(b"\xff" * 64)
        if self._behaviour == "sends_nonsense":
            self._connection.sendall(b"\0\0\0\2{]")

    def _dies_if(self, behaviour: str, lives: int = 1000) -> None:
        if self._behaviour == behaviour and self._life <= lives:
            os.kill(os.getpid(), signal.SIGKILL)

    def _say(self, report: Report) -> None:
        self._connection.sendall(write_report(report))


if __name__ == "__main__":
    lives = Path(sys.argv[2])
    with lives.open("ab") as file:
        file.write(b".")
    FakeWorker(sys.argv[1], lives.stat().st_size, socket.socket(fileno=int(sys.argv[3]))).run()
