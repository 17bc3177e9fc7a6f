"""Processes that serve: of the command line, and forked from a process that has imported all.

The latter start in a fraction of the time, so that a server can be killed a hundred times in minutes. They
run the same command on the same files.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Protocol, TypeAlias

from backends import echo, openai_chat  # noqa: F401  imported before servers are forked
from router import serving  # noqa: F401  imported before servers are forked
from router.cli.app import main
from tests.bench.overload import counted

_COMMAND = ("serve", "upshift.yaml", "--json")
_FORKS = multiprocessing.get_context("forkserver")


class Process(Protocol):
    """A server that runs. ``announced``: the first line that it printed, once it serves."""

    pid: int
    announced: str

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; return its exit status, a signal's as a negative number."""
        ...


Launch: TypeAlias = Callable[[Path], Process]
"""Serves the configuration in a folder; returns once it does."""


class Command:
    """The command line's server, in an interpreter of its own."""

    _program: tuple[str, ...] = ("-m", "router.cli")
    _environment: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *self._program, *_COMMAND],
            cwd=folder,
            env=os.environ | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.pid = self._process.pid
        self.announced = self._output.readline()

    def wait(self, timeout_s: float) -> int:
        """Wait for its end."""
        status = self._process.wait(timeout_s)
        self._output.close()
        return status

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout


class Counted(Command):
    """The same, which writes down what memory it uses: into ``counted.COUNTS`` in its folder."""

    _program = ("-P", counted.__file__)
    _environment = counted.NO_CACHES


class Forked:
    """The same, forked from a process that has imported this module and done nothing else."""

    def __init__(self, folder: Path) -> None:
        _FORKS.set_forkserver_preload([__name__])
        ours, theirs = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=_serve, args=(folder, theirs))
        self._process.start()
        theirs.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        with ours, os.fdopen(os.dup(ours.fileno())) as output:
            self.announced = output.readline()

    def wait(self, timeout_s: float) -> int:
        """Wait for its end."""
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            raise TimeoutError(f"the server still runs after {timeout_s} s")
        return self._process.exitcode


def _serve(folder: Path, output: Connection) -> None:
    os.chdir(folder)
    os.dup2(output.fileno(), sys.stdout.fileno())
    output.close()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main(_COMMAND)


def address_of(process: Process) -> str:
    """Where ``process`` said that it serves."""
    return str(json.loads(process.announced)["address"])
