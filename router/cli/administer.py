"""What the verbs share that change a running server: where it is, and how a change is told."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.cli.access import Access
    from router.rpc.client.admin import AdminClient, ConfigChange

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
def administering(server: str, access: Access, *, as_json: bool) -> Iterator[AdminClient]:
    """Give a client of the admin port at ``server``; what goes wrong is told in words of our own.

    What is wrong with a configuration is printed one problem a line, as `upshift validate` does.
    """
    from router.rpc.client import UpshiftError
    from router.rpc.client.admin import AdminClient

    try:
        with AdminClient(server, **access.client_arguments()) as client:
            yield client
    except UpshiftError as error:
        if error.reason == "UNAVAILABLE":
            said = f"no admin port answers at {server}; a server has one where `admin.listen` is set"
            raise Fault(said, code=ExitCode.UNAVAILABLE, reason=error.reason) from error
        if as_json or error.reason != "CONFIG_INVALID":
            raise
        for violation in error.violations:
            print(violation.description, file=sys.stderr)
        said = "the configuration is wrong, so nothing was changed"
        raise Fault(said, code=ExitCode.WRONG, reason=error.reason) from error
