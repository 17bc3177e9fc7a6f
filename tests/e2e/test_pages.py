"""The pages of a served process: beside gRPC on the HTTP port, and gone where they are switched off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from router.rpc.client import Client
from tests.router.live.conftest import text, tier


@contextmanager
def serving(folder: Path, **sections: Any) -> Iterator[dict[str, Any]]:
    """Serve one tier; gives what the server announces, and sees that it ends well."""
    path = folder / "upshift.yaml"
    ports = {"server": {"listen": "127.0.0.1:0"}, "gateway": {"listen": "127.0.0.1:0"}}
    path.write_text(text(tier("edge", "one"), **ports, **sections))
    command = [sys.executable, "-m", "router.cli", "serve", str(path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0


def test_pages_show_what_is_served(tmp_path: Path) -> None:
    """A request over gRPC is on the overview as soon as it has ended, and /ui leads there."""
    with serving(tmp_path) as ready, Client(ready["address"]) as upshift:
        upshift.generate("hello", timeout_s=20)
        answer = httpx.get(f"http://{ready['pages']}", follow_redirects=True)
        assert answer.status_code == 200
        assert "1 in 5 min" in answer.text
        assert httpx.get(f"http://{ready['gateway']}/ui/static/upshift.css").status_code == 200


def test_pages_can_be_switched_off(tmp_path: Path) -> None:
    """Nothing is served there then."""
    with serving(tmp_path, ui={"enabled": False}) as ready:
        assert "pages" not in ready
        assert httpx.get(f"http://{ready['gateway']}/ui/overview").status_code == 404
