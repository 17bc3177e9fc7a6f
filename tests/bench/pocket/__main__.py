"""A certificate from beginning to end on real engines: ``python -m tests.bench.pocket``.

Collects labelled prompts of the pocket family from its three tiers (once: they are kept in the cache),
calibrates and certifies, then serves fresh requests over gRPC under the certificate, and always by the
frontier and by the edge beside it. The last line is one JSON object, also written to out/pocket.json.
The first run takes half an hour on two cores, later ones ten minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import secrets
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from examples.pocket.tasks import Sample, draw
from policies.bootstrap import Figure
from router.journal import read_journal
from tests.bench.pocket.asked import Asked, ask_all
from tests.bench.pocket.figures import Served, compare
from tests.bench.pocket.house import CERTIFIED, POCKET, served, standing, write_config
from tests.bench.pocket.labels import StepFailed, collected, upshift

ROOT = Path(__file__).parents[3]
_CONSOLE = Console(stderr=True, highlight=False, soft_wrap=True)
_MOST_LABELS = 12_000
"""All that the smallest kinds of task have prompts for."""


def main() -> None:
    """Collect, certify, serve, and say what became of the promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pocket", description=__doc__)
    parser.add_argument("--labels", type=int, default=3000, help="labelled prompts to begin with")
    parser.add_argument("--requests", type=int, default=2000, help="fresh requests to serve")
    parser.add_argument("--seed", type=int, default=20, help="draws the labelled prompts")
    parser.add_argument("--request-seed", type=int, help="draws the requests; unset: new ones every time")
    parser.add_argument("--max-loss", type=float, default=0.02)
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "pocket.json")
    arguments = parser.parse_args()
    if arguments.request_seed is None:
        arguments.request_seed = secrets.randbelow(1 << 31)
    try:
        document = asyncio.run(_measure(arguments))
    except StepFailed as failed:
        sys.exit(str(failed))
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document))


async def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    started_s = time.monotonic()
    folder = ROOT / "out" / "bench-pocket"
    _CONSOLE.print(f"labels: seed {arguments.seed}; requests: seed {arguments.request_seed}")
    config = write_config(folder, arguments.max_loss, arguments.confidence)
    for left_over in folder.glob("journal.sqlite*"):  # an earlier run's: this one counts its own audits
        left_over.unlink()
    calibrated = await _calibrate(config, arguments)
    _CONSOLE.print(calibrated["said"])
    samples = list(draw(arguments.requests, split="test", seed=arguments.request_seed))
    passes = await _serve(config, samples)
    audits = [record.audit for record in read_journal(folder / "journal.sqlite") if record.audit is not None]
    audit_cost_usd = sum(audit.cost_usd_micros for audit in audits) / 1e6
    found = compare(passes[CERTIFIED], passes["always_frontier"], passes["always_edge"], audit_cost_usd)
    status = standing(config)
    _tell(found, arguments.max_loss)
    return {
        "command": " ".join(sys.argv),
        "commit": _commit(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "took_s": round(time.monotonic() - started_s, 1),
        "label_seed": arguments.seed,
        "request_seed": arguments.request_seed,
        "calibration": calibrated["document"],
        "served": found.to_json(),
        "audit_count": len(audits),
        "certificate_at_the_end": None if status is None else asdict(status),
    }


async def _calibrate(config: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Certify on the labels there are; where more would do, collect them and begin again."""
    count = arguments.labels
    while True:
        # The shipped configuration collects: what was learnt earlier must not matter to the labels.
        outcomes = await collected(POCKET, count, arguments.seed)
        printed = await upshift(
            *("calibrate", "--config", str(config), "--outcomes", str(outcomes), "--json"),
            *("--max-loss", str(arguments.max_loss), "--confidence", str(arguments.confidence)),
            *("--grader", "reference:exact"),
            environment={},
        )
        document = json.loads(printed)
        (stratum,) = document["strata"]
        needed = stratum["labels_needed"]
        if stratum["certified"] or needed is None or count + needed > _MOST_LABELS:
            return {"document": document | {"label_count": count}, "said": _verdict(stratum, count)}
        _CONSOLE.print(f"{count:,} labels do not do; {needed:,} more are collected")
        count += needed


def _verdict(stratum: dict[str, Any], count: int) -> str:
    if not stratum["certified"]:
        more = stratum["labels_needed"]
        needed = "more labels would not help" if more is None else f"{more:,} more labels would do"
        return f"NOT CERTIFIED on {count:,} labels; {needed}"
    proof = stratum["certificate"]["proof"]
    return (
        f"CERTIFIED on {count:,} labels, {proof['label_count']:,} of them for the test: "
        f"{100 * proof['loss']:+.2f} % lost ({proof['harm_count']} harmed, {proof['gain_count']} gained), "
        f"p = {proof['p_value']:.2g}, {100 * proof['saving']:.1f} % of the cost saved"
    )


async def _serve(config: Path, samples: list[Sample]) -> dict[str, list[Asked]]:
    """Send all requests under the certified policy, then to the frontier alone and to the edge alone."""
    policies = (CERTIFIED, "always_frontier", "always_edge")
    async with served(config) as client:
        with Progress(console=_CONSOLE, disable=not _CONSOLE.is_terminal) as progress:
            found: dict[str, list[Asked]] = {}
            for policy in policies:
                bar = progress.add_task(policy, total=len(samples))
                found[policy] = await ask_all(client, samples, policy, lambda bar=bar: progress.advance(bar))  # type: ignore[misc]
                _CONSOLE.print(f"served {len(samples):,} requests: {policy}")
        return found


def _tell(found: Served, max_loss: float) -> None:
    right, top, cost = (
        100 * (part.value or 0.0) for part in (found.right, found.top_right, found.cost_share)
    )
    loss, low, high = (100 * (part or 0.0) for part in _ends(found.net_loss))
    shares = ", ".join(f"{tier} {100 * share:.1f} %" for tier, share in found.tier_share.items())
    audits = f"audits {100 * found.audit_cost_share:.1f} % beside it"
    _CONSOLE.print(
        f"net loss {loss:+.2f} % [{low:+.2f}, {high:+.2f}], promised under {100 * max_loss:g} %; "
        f"{found.harm_count} harmed, {found.gain_count} gained of {found.request_count:,}\n"
        f"right {right:.1f} %, always frontier {top:.1f} %; cost {cost:.1f} % of always frontier, {audits}\n"
        f"answered by {shares}; p50 {found.p50_ms:.0f} ms, p95 {found.p95_ms:.0f} ms\n"
        f"edge AUROC after its answer {found.edge_auroc or 0:.3f}"
    )


def _ends(measured: Figure) -> tuple[float | None, ...]:
    return measured.value, measured.low, measured.high


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
