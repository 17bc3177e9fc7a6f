"""A real PostgreSQL for a test session: its own folder, a free port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Folder of PostgreSQL's programs, where Debian or the path has them; None: it is not installed."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found += [Path(path).resolve().parent for path in [shutil.which("pg_ctl")] if path]
    return next((folder for folder in found if (folder / "initdb").exists()), None)


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Run a server; gives its address. It refuses to run as root, so root lends it another user."""
    user = _unprivileged() if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="upshift-postgresql-")
    data = f"{folder}/data"
    if user is not None:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(
            [programs / command[0], *command[1:]],
            check=True,
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    port = _free_port()
    # What is in it need not outlive a power cut.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("initdb", "-D", data, "-U", "upshift", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        run("pg_ctl", "-D", data, "-l", f"{folder}/log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://upshift@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
