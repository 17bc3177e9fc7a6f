"""A server in processes of its own: started, waited for, its processor time read, ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_END_TIMEOUT_S = 20.0
# Whoever runs the benchmark may have set these; every server is to use its own defaults.
_CLEARED = ("OMP_", "GOMP_", "KMP_", "GGML_", "LLAMA_")


@dataclass(frozen=True, slots=True)
class Process:
    """A server that runs; ``log`` is what it writes."""

    popen: subprocess.Popen[bytes]
    log: Path

    def cpu_s(self) -> float:
        """Processor seconds used so far by the server and all processes that it started (Linux only)."""
        return family_cpu_s(self.popen.pid)

    def check(self) -> None:
        """Raise RuntimeError with the end of its log if it has ended."""
        if self.popen.poll() is not None:
            said = self.log.read_text(errors="replace")[-800:]
            raise RuntimeError(f"the server ended with code {self.popen.returncode}: {said}")


@contextmanager
def started(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """Run ``command`` until the block ends; its output goes to ``log``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CLEARED)}
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=kept | dict(environment or {})
        )
    try:
        yield Process(popen, log)
    finally:
        popen.send_signal(signal.SIGTERM)
        try:
            popen.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family_cpu_s(root: int) -> float:
    """Processor seconds used so far by ``root`` and all below it, ended ones included (Linux only)."""
    return sum(_cpu_s(process) for process in _family(root))


def _family(root: int) -> set[int]:
    """``root`` and everything below it."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        if (fields := _fields(entry)) is not None:
            parents[int(entry.parent.name)] = int(fields[1])
    family = {root}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def _cpu_s(process: int) -> float:
    """Its own time, and that of its children which have ended."""
    fields = _fields(Path(f"/proc/{process}/stat"))
    return 0.0 if fields is None else sum(map(int, fields[11:15])) / _TICKS_PER_S


def _fields(stat: Path) -> list[str] | None:
    """Fields of a process's stat file from its state on (proc_pid_stat(5)); None: it has ended."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
