"""Models, and a server, that are made once a session for whoever asks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy makes slow examples, and no slow example makes a fault.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

if not Path("/dev/nvidia0").exists():
    # Without a GPU Triton's kernels are interpreted; it must know before anybody imports it.
    os.environ.setdefault("TRITON_INTERPRET", "1")

ECHO = Path(__file__).parents[1] / "examples" / "echo.yaml"


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random dense model as GGUF; the same weights as safetensors lie in its folder."""
    from tests import tiny_models

    return tiny_models.save_dense(tmp_path_factory.mktemp("dense"))


@pytest.fixture(scope="session")
def tiny_moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random mixture of experts."""
    from tests import tiny_models

    return tiny_models.save_moe(tmp_path_factory.mktemp("moe"))


@pytest.fixture(scope="session")
def echo_server(echo_addresses: dict[str, str]) -> str:
    """Address of ``upshift serve examples/echo.yaml``."""
    return echo_addresses["address"]


@pytest.fixture(scope="session")
def echo_gateway(echo_addresses: dict[str, str]) -> str:
    """URL of the same server's HTTP port."""
    return f"http://{echo_addresses['gateway']}"


@pytest.fixture(scope="session")
def echo_addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where ``upshift serve examples/echo.yaml`` listens, on free ports; it must drain and end well."""
    anywhere = ("--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
    command = [sys.executable, "-m", "router.cli", "serve", str(ECHO), *anywhere, "--json"]
    journal = tmp_path_factory.mktemp("journal") / "echo.sqlite"
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"UPSHIFT_JOURNAL": str(journal)},
    ) as child:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        assert ready["tiers"] == {"edge": True, "frontier": True}
        yield ready
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
