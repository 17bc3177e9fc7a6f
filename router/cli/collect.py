"""``upshift collect``: what every tier answers to a sample of prompts, and how good that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.collect.session import Collected, Session
    from router.config import Config

EPILOG = """
**Examples**

`upshift collect -c upshift.yaml --prompts prompts.jsonl` asks every tier every prompt and grades by each
line's `reference`, where there is one.

`upshift collect --prompts traffic.jsonl --sample 3000 --grader "command:python grade.py"` draws 3,000 and
lets your program grade: it reads a JSON object and prints a score from 0 to 1.

`upshift collect --prompts traffic.jsonl --grader none --max-cost-usd 5` keeps answers to be graded later:
the same command with another --grader grades them, and runs no tier again.

**Prompts**: one a line, as text, or as JSON: `{"prompt": "…", "id": "7", "reference": "42", "task": "sums"}`.
Instead of `prompt`: `messages`. Besides: `group`, `references`, `json_schema`, `regex`, `pattern`.

**Graders**: `reference` (`:exact`, `:normalised`, `:numeric`, `:final`), `contains`, `regex`, `json_schema`,
`json_fields`, `top_tier` (a proxy: agreement with the top tier), `command:PROGRAM`, `none`.

Answers are kept one by one in OUT.answers: a run that was stopped, however it was, goes on where it was.
"""

PromptFile = Annotated[Path, typer.Option("--prompts", metavar="FILE", help="Prompts, or outcomes.")]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Outcomes, .jsonl or .jsonl.gz; default: by --prompts."),
]
Tiers = Annotated[
    str | None, typer.Option("--tiers", metavar="A,B", help="Ask only these; default: all, or --policy's.")
]
SampleSize = Annotated[
    int | None, typer.Option("--sample", min=1, metavar="N", help="Draw so many of the prompts at random.")
]
SampleCount = Annotated[
    int, typer.Option("--samples", min=0, max=64, metavar="K", help="Further answers a tier and prompt.")
]
Temperature = Annotated[
    float, typer.Option("--temperature", min=0.0, max=2.0, help="How further answers are drawn.")
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", min=1, help="Answers at once a tier; default: its own limit.")
]
GraderName = Annotated[
    str | None,
    typer.Option("--grader", metavar="NAME[:ARG]", help="Who grades; default: reference, else none."),
]
GraderTimeout = Annotated[
    float, typer.Option("--grader-timeout", min=0.1, metavar="SECONDS", help="Time for a program's grade.")
]
PolicyName = Annotated[
    str | None, typer.Option("--policy", metavar="NAME", help="Ask the tiers of this policy's ladder.")
]
MaxCostUsd = Annotated[
    float | None, typer.Option("--max-cost-usd", min=0.0, help="Start no answer beyond this, in all runs.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Draws --sample.")]


def collect(
    prompts: PromptFile,
    config: ConfigFile = Path("upshift.yaml"),
    out: Out = None,
    tiers: Tiers = None,
    policy: PolicyName = None,
    sample: SampleSize = None,
    samples: SampleCount = 0,
    temperature: Temperature = 0.7,
    concurrency: Concurrency = None,
    grader: GraderName = None,
    grader_timeout: GraderTimeout = 30.0,
    max_cost_usd: MaxCostUsd = None,
    seed: Seed = 0,
    json: given.Json = False,
) -> None:
    """Run every tier on a sample of prompts, grade the answers, and write outcome records."""
    import logging
    import os
    import sys

    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `serve` does, so that latencies are alike

    from router.collect import CollectError, choose, read_prompts
    from router.collect.errors import TierDown
    from router.collect.graders.registry import NONE, grader_of
    from router.collect.run import Order
    from router.collect.session import Session
    from router.config import load
    from router.outcomes import OutcomesError

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s")
    settings = load(config)
    names = _tiers(settings, tiers, policy)
    try:
        read = read_prompts(prompts)
        order = Order(
            choose(read.cases, sample, seed),
            _places(settings, names, concurrency),
            samples,
            temperature,
            None if max_cost_usd is None else round(max_cost_usd * 1e6),
        )
        has_references = all(case.references for case in order.cases)
        by = grader_of(grader or ("reference" if has_references else NONE), grader_timeout)
        session = Session(settings, order, _out(out, prompts), by, read.duplicate_count)
        collected = _gathered(session)
    except (CollectError, OutcomesError) as exc:
        raise Fault(str(exc), code=ExitCode.WRONG, reason="COLLECT_INVALID") from exc
    except TierDown as exc:
        raise Fault(str(exc), code=ExitCode.UNAVAILABLE, reason="NO_TIER_READY") from exc
    _report(collected, as_json=json)
    if not collected.is_complete:
        raise typer.Exit(ExitCode.FAILED if collected.ended.is_out_of_money else ExitCode.UNAVAILABLE)


def _tiers(config: Config, asked: str | None, policy: str | None) -> tuple[str, ...]:
    """Names of the tiers to ask, cheapest first: a policy's in its own order."""
    from router.config.order import by_price

    if policy is not None:
        ladders = {known.name: known.ladder for known in config.policies}
        if policy not in ladders:
            raise _wrong(f"no policy is called {policy!r}; known: {', '.join(ladders)}")
        ordered = ladders[policy]
    else:
        ordered = by_price(config)
    if asked is None:
        return ordered
    wanted = {name.strip() for name in asked.split(",")}
    if unknown := sorted(wanted - {*ordered}):
        raise _wrong(f"--tiers: no tier is called {unknown[0]!r} here; known: {', '.join(ordered)}")
    return tuple(name for name in ordered if name in wanted)


def _places(config: Config, tiers: Sequence[str], asked: int | None) -> dict[str, int]:
    limits = {tier.name: tier.limits.concurrency for tier in config.tiers}
    return {name: min(limits[name], asked or limits[name]) for name in tiers}


def _out(asked: Path | None, prompts: Path) -> Path:
    """Where outcomes go; never over the prompts."""
    out = asked or prompts.with_name(f"{prompts.name.split('.')[0]}.outcomes.jsonl.gz")
    if out.resolve() == prompts.resolve():
        raise _wrong(f"{out} holds the prompts; name another file by --out")
    return out


def _gathered(session: Session) -> Collected:
    """Run the session; Ctrl-C ends it with what is kept, and how to go on."""
    import asyncio

    try:
        return asyncio.run(session.run())
    except KeyboardInterrupt:
        said = f"stopped; {session.kept_count:,} answers are kept in {session.log_path}; "
        said += "run the same command again to go on"
        raise Fault(said, code=ExitCode.INTERRUPTED, reason="INTERRUPTED") from None


def _report(collected: Collected, *, as_json: bool) -> None:
    if as_json:
        from json import dumps

        print(dumps(collected.to_json(), ensure_ascii=False))
        return
    from router.cli.collected import notes_of, table_of
    from router.cli.screen import screen

    console = screen()
    console.print(table_of(collected))
    for note in notes_of(collected):
        console.print(note, markup=False, soft_wrap=True)


def _wrong(message: str) -> Fault:
    return Fault(message, code=ExitCode.WRONG, reason="USAGE")
