"""The demo's five runs over the same fresh requests: three fixed tiers, Upshift, and a random mix.

Decides their order and what they share: Upshift goes before the mix, which is then set to cost the
same. Prints nothing; the command line does.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from router.demo.processes import free_port, frontier_command, running
from router.demo.summary import Summary, share_of_dearest, summarize
from router.demo.traffic import Sample, Tasks, measure, mixed
from router.rpc.client import AsyncClient

TIERS = ("edge", "local", "frontier")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the five runs came to, by name, in the order in which they are told."""

    request_count: int
    runs: dict[str, Summary]

    def to_json(self) -> dict[str, object]:
        """The figures as one JSON object."""
        return {
            "requests": self.request_count,
            "runs": {name: run.to_json() for name, run in self.runs.items()},
            "edge_auroc": _rounded(self.runs["always_edge"].auroc),
            "local_auroc": _rounded(self.runs["always_local"].auroc),
        }


@contextlib.asynccontextmanager
async def served(config: Path, folder: Path) -> AsyncIterator[AsyncClient]:
    """Start the frontier's server and Upshift's, and give a client; logs go to ``folder``.

    Raises router.demo.processes.ProcessFailed where one of them does not come up.
    """
    frontier_port, port = free_port(), free_port()
    frontier = frontier_command(config.parent / "pocket" / "weights" / "frontier.gguf", frontier_port)
    environment = {
        "UPSHIFT_POCKET_FRONTIER_URL": f"http://127.0.0.1:{frontier_port}/v1",
        "UPSHIFT_LISTEN": f"127.0.0.1:{port}",
        "UPSHIFT_JOURNAL": str(folder / "journal.sqlite"),
    }
    upshift = [sys.executable, "-m", "router.cli", "serve", str(config)]
    logs = folder / "frontier.log", folder / "upshift.log"
    async with (
        running("the frontier", frontier, port=frontier_port, log=logs[0], environment={}),
        running("upshift serve", upshift, port=port, log=logs[1], environment=environment),
        AsyncClient(f"127.0.0.1:{port}") as client,
    ):
        yield client


async def run(
    client: AsyncClient,
    tasks: Tasks,
    samples: Sequence[Sample],
    seed: int,
    on_answer: Callable[[str], None],
) -> Outcome:
    """Send the samples five times; ``on_answer`` is told the run's name after every answer."""

    async def summary(name: str, policy_of: Callable[[int], str]) -> Summary:
        measured = await measure(client, tasks, samples, policy_of, lambda: on_answer(name))
        return summarize(measured)

    runs = {f"always_{tier}": await summary(f"always_{tier}", _always(tier)) for tier in TIERS}
    upshift = await summary("upshift", lambda _: "default")
    share = share_of_dearest(upshift.cost_usd, runs["always_edge"].cost_usd, runs["always_frontier"].cost_usd)
    mix = mixed(share, "always_edge", "always_frontier", seed=seed)
    random_mix = await summary("random_mix", mix)
    return Outcome(len(samples), {**runs, "random_mix": random_mix, "upshift": upshift})


def _always(tier: str) -> Callable[[int], str]:
    return lambda _: f"always_{tier}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
