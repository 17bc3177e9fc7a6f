"""What the verbs share that change a running server: where it is, and how a change is told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.rpc.client.admin import ConfigChange

AdminPort = Annotated[
    str,
    typer.Option(
        "--server", envvar="UPSHIFT_ADMIN_SERVER", metavar="HOST:PORT", help="A server's `admin.listen`."
    ),
]
IfMatch = Annotated[
    str | None,
    typer.Option("--if-match", metavar="ETAG", help="Change only what has this ETag."),
]
AllowUnready = Annotated[
    bool, typer.Option("--allow-unready", help="Go on although a new tier does not start.")
]

DEFAULT_ADMIN_PORT = "127.0.0.1:50052"


def tell_change(change: ConfigChange, *, as_json: bool) -> None:
    """Print what has changed: to programs on standard output, to people on standard error."""
    if as_json:
        from dataclasses import asdict
        from json import dumps

        print(dumps(asdict(change)))
        return
    version = "" if change.version is None else f" as version {change.version}"
    print(f"served{version}, ETag {change.etag}", file=sys.stderr)
    for name, tiers in (
        ("kept", change.kept_tiers),
        ("started", change.started_tiers),
        ("closed", change.closed_tiers),
    ):
        if tiers:
            print(f"  {name:<8} {', '.join(tiers)}", file=sys.stderr)


@contextmanager
def problems_told(*, as_json: bool) -> Iterator[None]:
    """Print what is wrong with a configuration, one problem a line, as `upshift validate` does."""
    from router.rpc.client import UpshiftError

    try:
        yield
    except UpshiftError as error:
        if as_json or error.reason != "CONFIG_INVALID":
            raise
        for violation in error.violations:
            print(violation.description, file=sys.stderr)
        said = "the configuration is wrong, so nothing was changed"
        raise Fault(said, code=ExitCode.WRONG, reason=error.reason) from error
