"""Options that several verbs share, each with its one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, also when it fails.")]
Server = Annotated[
    str,
    typer.Option("--server", envvar="UPSHIFT_SERVER", metavar="HOST:PORT", help="A running server."),
]
OwnConfig = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Work in this process: no server needed, nothing journalled."
    ),
]
Question = Annotated[str, typer.Argument(metavar="PROMPT", help="What to ask; - reads standard input.")]
System = Annotated[str | None, typer.Option(metavar="TEXT", help="Instructions before the prompt.")]
Schema = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="JSON Schema that the answer must satisfy."),
]
PolicyName = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME", help="Decide by this policy, not by the first that matches."),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="Least confidence to accept below the top tier."),
]
MaxCost = Annotated[
    float | None,
    typer.Option("--max-cost", metavar="USD", min=0.0, help="Most money for all attempts together."),
]
TierNames = Annotated[
    list[str] | None,
    typer.Option("--tier", metavar="NAME", help="Use only this tier; repeat it for several."),
]
LocalOnly = Annotated[bool, typer.Option("--local-only", help="Keep the prompt on the server's machine.")]
Redact = Annotated[
    bool, typer.Option("--redact", help="Show tiers beyond that machine stand-ins for personal data.")
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="LABEL", help="Label that policies match on; repeat it for several."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Give up after this long."),
]

DEFAULT_SERVER = "127.0.0.1:50051"
