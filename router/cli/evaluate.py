"""``upshift evaluate``: what policies would have been worth on recorded, graded answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.embedding import Embed, embedded
from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.outcomes import OutcomeRecord
    from router.evaluate.evaluation import Evaluation
    from router.evaluate.problem import Problem
    from router.evaluate.splits import Split

EPILOG = """
**Examples**

`upshift evaluate outcomes.jsonl.gz --ladder small,mid,large --cost .02,.15,1` compares all policies.

`upshift evaluate --train old.jsonl --test new.jsonl --ladder small,large` fits on one, judges on the other.

`upshift evaluate outcomes.jsonl --ladder small,large --json` gives every figure with its interval.
"""

File = Annotated[Path | None, typer.Argument(metavar="FILE", help="Outcomes: JSON lines (gz), or a journal.")]
LadderNames = Annotated[
    str | None,
    typer.Option("--ladder", metavar="A,B,C", help="Tiers to choose among; default: all in the file."),
]
Costs = Annotated[
    str | None,
    typer.Option("--cost", metavar="X,Y,Z", help="Cost of a call by tier; default: cost_usd as recorded."),
]
SecondCost = Annotated[
    float,
    typer.Option(
        "--latency-usd-per-s", min=0.0, help="What a second of waiting costs, beside cost_usd as recorded."
    ),
]
FoldCount = Annotated[int, typer.Option("--folds", min=3, max=20, help="Parts of the cross-validation.")]
Train = Annotated[Path | None, typer.Option("--train", metavar="FILE", help="Fit on this file only.")]
Test = Annotated[Path | None, typer.Option("--test", metavar="FILE", help="Judge on this file only.")]
Policies = Annotated[
    list[str] | None,
    typer.Option("--policy", metavar="NAME", help="Compare only this policy; repeat it for several."),
]
Resamples = Annotated[int, typer.Option("--resamples", min=0, help="Resamples behind each interval.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Draws the folds and the resamples.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw quality against cost.")]


def evaluate(
    file: File = None,
    ladder: LadderNames = None,
    cost: Costs = None,
    latency_usd_per_s: SecondCost = 0.0,
    folds: FoldCount = 5,
    train: Train = None,
    test: Test = None,
    policy: Policies = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    plot: Plot = None,
    embed: Embed = None,
    json: given.Json = False,
) -> None:
    """Compare policies on recorded answers, honestly: what judges was never fitted on."""
    from router.evaluate import Settings

    names = _policies(policy)
    records, is_test = _records(file, train, test)
    records, encoder = embedded(records, embed)
    problem = _problem(records, ladder, cost, latency_usd_per_s)
    splits = _splits(problem, records, is_test, folds, seed)
    evaluation = _run(problem, splits, Settings(names, resamples, seed, encoder))
    if plot is not None:
        from router.evaluate.plot import draw

        draw(evaluation, plot)
    _print(evaluation, as_json=json)


def _policies(asked: list[str] | None) -> tuple[str, ...]:
    from router.evaluate.contenders import CONTENDERS

    names = [name.replace("-", "_") for name in asked or ()]
    for name in names:
        if name not in CONTENDERS:
            raise _wrong(f"no policy {name!r} can be compared; known: {', '.join(CONTENDERS)}")
    return tuple(dict.fromkeys(names)) or tuple(CONTENDERS)


def _records(
    file: Path | None, train: Path | None, test: Path | None
) -> tuple[list[OutcomeRecord], list[bool] | None]:
    """Return all records, and which of them judge; None: all do, by folds."""
    from policies.derive import with_text_signals
    from router.outcomes import load_outcomes

    if file is not None and train is None and test is None:
        return with_text_signals(load_outcomes(file)), None
    if file is None and train is not None and test is not None:
        fitted, judged = load_outcomes(train), load_outcomes(test)
        marks = [False] * len(fitted) + [True] * len(judged)
        return with_text_signals([*fitted, *judged]), marks
    raise _wrong("give a FILE, or both --train and --test")


def _problem(
    records: Sequence[OutcomeRecord], ladder: str | None, cost: str | None, latency_usd_per_s: float
) -> Problem:
    from policies.costs import Weights
    from router.evaluate import pose

    if ladder is None:
        tiers = sorted({tier for record in records for tier in record.outcomes})
    else:
        tiers = [name.strip() for name in ladder.split(",")]
    try:
        costs = None if cost is None else [float(number) for number in cost.split(",")]
    except ValueError:
        raise _wrong(f"--cost takes numbers parted by commas, not {cost!r}") from None
    if costs is not None and not all(0.0 <= number < float("inf") for number in costs):
        raise _wrong(f"--cost takes numbers from 0, not {cost!r}")
    if costs is not None and latency_usd_per_s:
        raise _wrong("--cost is of whole calls; --latency-usd-per-s goes with recorded costs alone")
    return pose(records, tiers, costs, Weights(latency_usd_per_s))


def _splits(
    problem: Problem, records: Sequence[OutcomeRecord], is_test: list[bool] | None, folds: int, seed: int
) -> tuple[Split, ...]:
    from router.evaluate.splits import fold_splits, holdout_split

    if is_test is None:
        return fold_splits(problem.groups, count=folds, seed=seed)
    judging = {id(record) for record, test in zip(records, is_test, strict=True) if test}
    marks = [id(record) in judging for record in problem.records]
    return (holdout_split(problem.groups, marks, count=folds, seed=seed),)


def _run(problem: Problem, splits: tuple[Split, ...], settings: object) -> Evaluation:
    from rich.console import Console
    from rich.progress import Progress

    from router.evaluate import Settings
    from router.evaluate import evaluate as answer
    from router.evaluate.pooled import step_count

    assert isinstance(settings, Settings)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("fitting", total=step_count(splits, settings.policies) + 1)

        def step(done: str) -> None:
            progress.update(bar, advance=1, description=done.replace("_", " "))

        return answer(problem, splits, settings, step)


def _print(evaluation: Evaluation, *, as_json: bool) -> None:
    if as_json:
        from json import dumps

        print(dumps(evaluation.to_json(), allow_nan=False))
        return
    from router.cli.screen import screen
    from router.evaluate.table import notes_of, tables_of

    console = screen()
    for table in tables_of(evaluation):
        console.print(table)
    for note in notes_of(evaluation):
        console.print(note)


def _wrong(message: str) -> Fault:
    return Fault(message, code=ExitCode.WRONG, reason="USAGE")
