"""``upshift validate``: is a configuration right? Says everything that is wrong, as a compiler would."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.failure import ExitCode

if TYPE_CHECKING:
    from router.config.problems import Problem

EPILOG = """
**Examples**

`upshift validate` checks ./upshift.yaml.

`upshift validate --allow-unset-env config/*.yaml` checks files where the secrets are not at hand, as in CI.
"""

Files = Annotated[
    list[Path] | None, typer.Argument(metavar="FILE", help="Configurations; default: upshift.yaml.")
]
AllowUnset = Annotated[
    bool, typer.Option("--allow-unset-env", help="Accept references to variables that are not set here.")
]


def validate(files: Files = None, allow_unset_env: AllowUnset = False, json: given.Json = False) -> None:
    """Check configurations without serving them; exit code 2 if anything is wrong."""
    from router.config import ConfigError, load

    checked = files or [Path("upshift.yaml")]
    problems: list[Problem] = []
    for file in checked:
        try:
            load(file, allow_unset_env=allow_unset_env)
        except ConfigError as error:
            problems += error.problems
    if json:
        _print_json(problems)
    else:
        _print(problems, checked)
    raise typer.Exit(ExitCode.WRONG if problems else 0)


def _print_json(problems: list[Problem]) -> None:
    from json import dumps

    from router.cli.problems import problems_json

    print(dumps({"valid": not problems, "problems": problems_json(problems)}, ensure_ascii=False))


def _print(problems: list[Problem], checked: list[Path]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
    else:
        print(f"{', '.join(map(str, checked))}: right")
