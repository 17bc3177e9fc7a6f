"""``upshift rollback``: a configuration that was served before is served again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.access import Access, Key, TlsCa, TlsCertificate, TlsKey
from router.cli.administer import (
    DEFAULT_ADMIN_PORT,
    AdminPort,
    AllowUnready,
    IfMatch,
    administering,
    tell_change,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.rpc.client.admin import ConfigVersion

EPILOG = """
**Examples**

`upshift rollback` goes back to the configuration before the one that is served.

`upshift rollback --list` shows what was served and when; `upshift rollback 12` serves version 12 again.

`upshift rollback --config upshift.yaml` puts the file back where no server runs.
"""

Number = Annotated[
    int | None, typer.Argument(metavar="VERSION", min=1, help="Its number; default: the one before.")
]
List = Annotated[bool, typer.Option("--list", help="Only show the versions, newest first.")]
OwnFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="No server runs: put this file back."),
]


def rollback(
    version: Number = None,
    list_: List = False,
    config: OwnFile = None,
    server: AdminPort = DEFAULT_ADMIN_PORT,
    if_match: IfMatch = None,
    allow_unready: AllowUnready = False,
    key: Key = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Serve an earlier configuration again, and write it to the file; it becomes the newest version."""
    if config is not None:
        _offline(config, version, only_lists=list_, as_json=json)
        return
    access = Access(key, tls_ca, tls_certificate, tls_key)
    with administering(server, access, as_json=json) as client:
        if list_:
            _tell_versions(client.list_versions(), as_json=json)
            return
        change = client.rollback(version, if_match=if_match, allow_unready=allow_unready)
    tell_change(change, as_json=json)


def _offline(path: Path, number: int | None, *, only_lists: bool, as_json: bool) -> None:
    import time

    from router.config import parse
    from router.live.config_file import ConfigFile, etag_of
    from router.live.versions import Versions
    from router.rpc.client.admin import ConfigVersion

    file, versions = ConfigFile(path), Versions(_folder(path))
    etag = etag_of(file.read_text())
    if only_lists:
        newest = versions.all()[::-1]
        now = next((v.number for v in newest if v.etag == etag), None)
        found = [ConfigVersion(v.number, v.etag, v.time, v.origin, v.by, v.number == now) for v in newest]
        _tell_versions(found, as_json=as_json)
        return
    version = versions.before(etag) if number is None else versions.get(number)
    parse(version.text, source=f"version {version.number}", directory=path.parent, allow_unset_env=True)
    versions.keep(file.read_text(), origin="found in the file", by="-", time_s=time.time())
    file.write(version.text)
    kept = versions.keep(version.text, origin=f"rollback to {version.number}", by="-", time_s=time.time())
    if as_json:
        from json import dumps

        print(dumps({"etag": kept.etag, "version": kept.number}))
    else:
        print(f"{path} is version {version.number} again, kept as {kept.number}", file=sys.stderr)


def _folder(path: Path) -> Path:
    """Where the versions are; a file that is broken, which is why one rolls back, does not say."""
    from router.config import ConfigError, load
    from router.live.versions import folder_of

    try:
        config = load(path, allow_unset_env=True)
    except ConfigError:
        return folder_of(path, None)
    return folder_of(path, config.admin.versions)


def _tell_versions(versions: Sequence[ConfigVersion], *, as_json: bool) -> None:
    if as_json:
        from dataclasses import asdict
        from json import dumps

        plain = [asdict(version) | {"time": version.time.isoformat()} for version in versions]
        print(dumps({"versions": plain}))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from router.cli.screen import screen

    table = Table("version", "served since", "how", "by", "ETag", box=SIMPLE_HEAD, pad_edge=False)
    for version in versions:
        table.add_row(
            f"{version.version}{' *' if version.served else ''}",
            version.time.strftime("%Y-%m-%d %H:%M:%S UTC"),
            version.origin,
            version.author,
            version.etag,
        )
    screen().print(table)
