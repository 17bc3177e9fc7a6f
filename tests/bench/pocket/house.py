"""The house that is measured: the pocket tiers as shipped, under policies made for the bench.

Decides the configuration and how its servers start. Everything is written into one folder, so that what
was calibrated there is what is served from there.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml

from examples.pocket.weights import FRONTIER
from policies.certified import Certified
from router.certificates.found import warrant_for
from router.certificates.warrant import CertificateStatus
from router.config import load
from router.demo.processes import free_port, frontier_command, running
from router.rpc.client import AsyncClient

POCKET = Path(__file__).parents[3] / "examples" / "pocket.yaml"
LADDER = ("edge", "local", "frontier")
CERTIFIED = "certified"


def write_config(folder: Path, max_loss: float, confidence: float) -> Path:
    """Write the configuration of the bench into ``folder``, which need not be there; returns its path."""
    config: dict[str, Any] = yaml.safe_load(POCKET.read_text(encoding="utf-8"))
    for tier in config["tiers"]:
        model = POCKET.parent / str(tier["options"]["model"])
        if model.exists():
            tier["options"]["model"] = str(model)
    objective = {
        "rule": "certified",
        "max_loss": max_loss,
        "confidence": confidence,
        "certificate": str(folder / "certificate.json"),
    }
    config["learnt"] = str(folder / "learnt.json")
    config["policies"] = [
        {"name": CERTIFIED, "ladder": list(LADDER), "objective": objective},
        *(
            {"name": f"always_{tier}", "ladder": [tier], "objective": {"rule": "fixed", "tier": tier}}
            for tier in LADDER
        ),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "upshift.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


@contextlib.asynccontextmanager
async def served(config: Path) -> AsyncIterator[AsyncClient]:
    """Start the frontier's server and Upshift's, and give a client; logs and journal lie beside ``config``.

    Raises router.demo.processes.ProcessFailed where one of them does not come up.
    """
    folder, frontier_port, port = config.parent, free_port(), free_port()
    environment = {
        "UPSHIFT_POCKET_FRONTIER_URL": f"http://127.0.0.1:{frontier_port}/v1",
        "UPSHIFT_LISTEN": f"127.0.0.1:{port}",
        "UPSHIFT_JOURNAL": str(folder / "journal.sqlite"),
    }
    frontier = frontier_command(FRONTIER, frontier_port)
    upshift = [sys.executable, "-m", "router.cli", "serve", str(config)]
    logs = folder / "frontier.log", folder / "upshift.log"
    async with (
        running("the frontier", frontier, port=frontier_port, log=logs[0], environment={}),
        running("upshift serve", upshift, port=port, log=logs[1], environment=environment),
        AsyncClient(f"127.0.0.1:{port}") as client,
    ):
        yield client


def standing(config: Path) -> CertificateStatus | None:
    """How the certificate stands, its watch as the last server left it; None: there is no certificate."""
    settings = load(config)
    described = settings.policies[0]
    rule = Certified(described.objective.options)  # type: ignore[arg-type]
    statuses = warrant_for(rule, described, settings).statuses()
    return statuses[0] if statuses else None
