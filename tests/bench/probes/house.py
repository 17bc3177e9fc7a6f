"""The pocket family as a configuration: which tiers, which ladder, which probes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from examples.pocket.calibrate import CONFIG
from examples.pocket.weights import FRONTIER
from policies.cascade_routing import CascadeRoutingOptions
from policies.fixed import FixedOptions
from policies.registry import PROBES
from policies.threshold import ThresholdOptions
from router.build import build
from router.config import Config, load
from router.config.model import ProbeConfig
from router.config.objective import ObjectiveConfig
from router.core import Router
from router.demo.processes import free_port, frontier_command, running

THRESHOLD = 0.9


def probe(name: str, **options: Any) -> ProbeConfig:
    """A probe of a configuration."""
    loaded: Any = PROBES.load(name)
    return ProbeConfig(probe=name).model_copy(update={"options": loaded.Options(**options)})


def house(
    ladder: Sequence[str],
    probes: Sequence[ProbeConfig],
    learnt: Path | None,
    *,
    fixed: bool,
    routing: CascadeRoutingOptions | None = None,
) -> Config:
    """Serve ``ladder`` with one policy: its first tier alone, else by ``routing``, else by a threshold."""
    config = load(CONFIG)
    # Samples run side by side, as the engine can.
    tiers = tuple(
        tier.model_copy(update={"limits": tier.limits.model_copy(update={"concurrency": 8})})
        for tier in config.tiers
        if tier.name in ladder
    )
    objective = ObjectiveConfig(rule="fixed" if fixed else "cascade_routing" if routing else "threshold")
    climbs = routing or ThresholdOptions(min_confidence=THRESHOLD)
    options = FixedOptions(tier=ladder[0]) if fixed else climbs
    objective = objective.model_copy(update={"options": options})
    policy = config.policies[0].model_copy(update={"ladder": tuple(ladder), "objective": objective})
    return config.model_copy(
        update={
            "journal": config.journal.model_copy(update={"path": None}),
            "tiers": tiers,
            "policies": (policy,),
            "learnt": learnt or config.learnt,
            "confidence": config.confidence.model_copy(update={"probes": tuple(probes)}),
        }
    )


@asynccontextmanager
async def frontier() -> AsyncIterator[None]:
    """Start the server that plays the frontier, where the configuration looks for it."""
    port = free_port()
    os.environ["UPSHIFT_POCKET_FRONTIER_URL"] = f"http://127.0.0.1:{port}/v1"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "frontier.log"
        command = frontier_command(FRONTIER, port)
        async with running("the frontier", command, port=port, log=log, environment={}):
            yield


@asynccontextmanager
async def started(config: Config) -> AsyncIterator[Router]:
    """The router of ``config``, its engines running."""
    router = build(config)
    await router.start()
    try:
        yield router
    finally:
        await router.close()
