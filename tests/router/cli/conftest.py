"""The command, run in this process, and a server to ask."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from router.cli import main

ECHO = Path(__file__).parents[3] / "examples" / "echo.yaml"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON object that it must be."""
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def upshift(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``upshift`` with these words."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Serve the echo example on a free port; it must drain and end well."""
    command = [sys.executable, "-m", "router.cli", "serve", str(ECHO), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        assert ready["tiers"] == {"edge": True, "frontier": True}
        yield ready["address"]
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
