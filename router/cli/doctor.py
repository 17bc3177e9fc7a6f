"""``upshift doctor``: what makes local models slow or impossible here, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.failure import ExitCode

if TYPE_CHECKING:
    from router.doctor.finding import Finding

EPILOG = """
Looks at the cores and what this process may use of them, at memory and how fast it is read, at the
llama.cpp that is installed (how it was built, which instructions it uses, whether it computes two tokens
in a child process), at OpenMP's settings, and at what else is installed. It changes nothing.

**States**: ok · absent, only missed by who wants it · slow, works but costs speed · broken, will not work

**Examples**

`upshift doctor` takes about three seconds; run it while the machine is otherwise quiet.

`upshift doctor --model my.gguf` computes two tokens of your own model in the self-test.

`upshift doctor --json | jq '.findings[] | select(.state != "ok")'` shows what is not right.

**Exit codes**: 0 nothing is broken · 1 something is
"""

Model = Annotated[
    Path | None,
    typer.Option(metavar="FILE", exists=True, dir_okay=False, help="GGUF file for the self-test."),
]
_STYLES = {"ok": "green", "absent": "dim", "slow": "yellow", "broken": "bold red"}


def doctor(model: Model = None, json: given.Json = False) -> None:
    """Say what makes local models slow or impossible on this machine, and what to do about it."""
    from router.doctor.examination import examine
    from router.doctor.finding import State

    findings = list(examine(model or _pocket_model()))
    if json:
        _print_json(findings)
    else:
        _print(findings)
    if any(finding.state is State.BROKEN for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _pocket_model() -> Path | None:
    """The small model of the source tree; a wheel has none."""
    path = Path(__file__).parents[2] / "examples" / "pocket" / "weights" / "edge.gguf"
    return path if path.is_file() else None


def _print_json(findings: list[Finding]) -> None:
    from dataclasses import asdict
    from json import dumps

    from router.doctor.finding import State

    worst = max((list(State).index(finding.state) for finding in findings), default=0)
    said = {"state": list(State)[worst], "findings": [asdict(finding) for finding in findings]}
    print(dumps(said, ensure_ascii=False))


def _print(findings: list[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from router.cli.screen import screen

    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        style = _STYLES[finding.state]
        table.add_row(f"[{style}]{finding.state}[/]", finding.topic, escape(finding.seen))
        if finding.advice:
            table.add_row("", "", f"[{style}]→[/] {escape(finding.advice)}")
    screen().print(table)
