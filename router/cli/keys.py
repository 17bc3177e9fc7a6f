"""``upshift keys``: make, list, rotate and revoke the API keys that a server takes.

Works on the file of keys itself; a server that runs takes changes within a second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.ages import seconds_in
from router.cli.failure import ExitCode, Fault
from router.tenants.principal import Scope

if TYPE_CHECKING:
    from router.tenants.keys import ApiKey

app = typer.Typer(
    help="Make, list, rotate and revoke API keys.",
    epilog="""
**Examples**

`upshift keys create --tenant acme` makes a key for all but admin calls, and shows it once.

`upshift keys create --tenant ops --scope admin --expires 30d` makes one for the admin port.

`upshift keys rotate 1f0c6a92b3d4 --overlap 7d` makes its successor; the old one works for another week.

`upshift keys revoke 1f0c6a92b3d4` ends it at once.
""",
    rich_markup_mode="markdown",
    invoke_without_command=True,
)

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="The file of keys; unset: what the configuration names."
    ),
]
ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration whose `auth.keys` is meant.")
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `upshift keys list` shows it.")]
Tenants = Annotated[
    list[str],
    typer.Option("--tenant", metavar="NAME", help="Whose key it is; repeat it for several, * is any."),
]
Scopes = Annotated[
    list[Scope] | None,
    typer.Option("--scope", help="What it may be used for; repeat it. Unset: all but admin."),
]
Expires = Annotated[
    str | None, typer.Option(metavar="TIME", help="How long it works: 90d, 12h, 30m. Unset: for ever.")
]
Overlap = Annotated[str, typer.Option(metavar="TIME", help="How long the old key goes on working.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="A note for people.")]

_DEFAULT_CONFIG = Path("upshift.yaml")


@app.callback()
def keys(context: typer.Context) -> None:
    """Show the help where no verb is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def create(
    tenant: Tenants,
    scope: Scopes = None,
    expires: Expires = None,
    note: Note = "",
    file: KeyFile = None,
    config: ConfigFile = _DEFAULT_CONFIG,
    json: given.Json = False,
) -> None:
    """Make a key and show it, this once: only a digest of it is kept."""
    from router.tenants.keys import mint

    now_s = time.time()
    ends_s = None if expires is None else now_s + seconds_in(expires)
    with _changing(file, config) as found:
        key, token = mint(
            tenants=tuple(tenant),
            scopes=frozenset(scope or set(Scope) - {Scope.ADMIN}),
            now_s=now_s,
            expires_s=ends_s,
            note=note,
        )
        found[key.id] = key
    _show_new(key, token, as_json=json)


@app.command("list")
def list_(file: KeyFile = None, config: ConfigFile = _DEFAULT_CONFIG, json: given.Json = False) -> None:
    """List the keys: whose they are, what for, and when they end. Nobody can show the keys themselves."""
    from router.tenants.key_file import read_keys

    found = read_keys(_path(file, config)).values()
    if json:
        from json import dumps

        print(dumps({"keys": [_plain(key) for key in found]}))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from router.cli.screen import screen

    table = Table("id", "tenants", "scopes", "created", "expires", "note", box=SIMPLE_HEAD, pad_edge=False)
    for key in found:
        ends = _when(key.expires_s) or "never"
        ends = f"[red]{ends}[/]" if key.has_expired(time.time()) else ends
        scopes = " ".join(sorted(key.scopes))
        table.add_row(key.id, " ".join(key.tenants), scopes, _when(key.created_s), ends, key.note)
    screen().print(table)


@app.command()
def rotate(
    key_id: KeyId,
    overlap: Overlap = "7d",
    expires: Expires = None,
    file: KeyFile = None,
    config: ConfigFile = _DEFAULT_CONFIG,
    json: given.Json = False,
) -> None:
    """Make a key's successor, with the same tenants and scopes; the old one ends after the overlap."""
    from router.tenants.keys import mint

    now_s = time.time()
    ends_s = None if expires is None else now_s + seconds_in(expires)
    with _changing(file, config) as found:
        old = _known(found, key_id)
        key, token = mint(
            tenants=old.tenants, scopes=old.scopes, now_s=now_s, expires_s=ends_s, note=old.note
        )
        found[key_id] = old.expiring(now_s + seconds_in(overlap))
        found[key.id] = key
    _show_new(key, token, as_json=json)


@app.command()
def revoke(
    key_id: KeyId, file: KeyFile = None, config: ConfigFile = _DEFAULT_CONFIG, json: given.Json = False
) -> None:
    """Forget a key: it stops working within a second."""
    with _changing(file, config) as found:
        key = _known(found, key_id)
        del found[key_id]
    if json:
        from json import dumps

        print(dumps({"revoked": _plain(key)}))
    else:
        print(f"revoked {key.id}, which was for {', '.join(key.tenants)}")


@contextmanager
def _changing(file: Path | None, config: Path) -> Iterator[dict[str, ApiKey]]:
    from router.tenants.key_file import changed_keys

    with changed_keys(_path(file, config)) as found:
        yield found


def _path(file: Path | None, config: Path) -> Path:
    if file is not None:
        return file
    from router.config import load

    keys_file = load(config, allow_unset_env=True).auth.keys
    if keys_file is None:
        message = f"{config} names no file of keys; set auth.keys there, or give --file"
        raise Fault(message, code=ExitCode.WRONG, reason="USAGE")
    return keys_file


def _known(found: dict[str, ApiKey], key_id: str) -> ApiKey:
    if key_id not in found:
        message = f"no key has the id {key_id!r}; `upshift keys list` shows them"
        raise Fault(message, code=ExitCode.WRONG, reason="KEY_UNKNOWN")
    return found[key_id]


def _show_new(key: ApiKey, token: str, *, as_json: bool) -> None:
    if as_json:
        from json import dumps

        print(dumps({**_plain(key), "key": token}))
        return
    until = _when(key.expires_s) or "it is revoked"
    print(
        f"key {key.id} for {', '.join(key.tenants)}, until {until}; it is not shown again:", file=sys.stderr
    )
    print(token)


def _plain(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "tenants": list(key.tenants),
        "scopes": sorted(key.scopes),
        "created": _when(key.created_s),
        "expires": _when(key.expires_s),
        "note": key.note,
    }


def _when(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
