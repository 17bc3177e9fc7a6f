"""The file of API keys: strict JSON that people can read, replaced as a whole or not at all.

Decides how keys are written and who may write at once. The file holds no secret that would let anybody in,
but is made readable by its owner only. Refuses to know what keys are for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from router.tenants.file_lock import locked
from router.tenants.keys import ApiKey
from router.tenants.principal import Scope

_LOCK_TIMEOUT_S = 5.0

Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})+$")]


class KeyFileError(Exception):
    """The file of keys cannot be read or written; the message says why."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    tenants: Annotated[tuple[str, ...], Field(min_length=1)]
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime | None = None
    note: str = ""
    salt: Hex
    digest: Hex

    def key(self) -> ApiKey:
        return ApiKey(
            self.id,
            self.tenants,
            frozenset(self.scopes),
            self.created.timestamp(),
            bytes.fromhex(self.salt),
            bytes.fromhex(self.digest),
            None if self.expires is None else self.expires.timestamp(),
            self.note,
        )

    @classmethod
    def of(cls, key: ApiKey) -> _Entry:
        return cls(
            id=key.id,
            tenants=key.tenants,
            scopes=tuple(sorted(key.scopes)),
            created=_time(key.created_s),
            expires=None if key.expires_s is None else _time(key.expires_s),
            note=key.note,
            salt=key.salt.hex(),
            digest=key.digest.hex(),
        )


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    keys: tuple[_Entry, ...]


def read_keys(path: Path) -> dict[str, ApiKey]:
    """Read all keys by id. Raises KeyFileError."""
    try:
        document = _Document.model_validate_json(path.read_bytes())
    except FileNotFoundError as exc:
        raise KeyFileError(f"{path} is not there; `upshift keys create` makes it") from exc
    except OSError as exc:
        raise KeyFileError(f"{path} cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        # Pydantic's own words quote the values.
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the top"
        raise KeyFileError(f"{path} is no file of keys: at {where}, {first['msg']}") from None
    return {entry.id: entry.key() for entry in document.keys}


def write_keys(path: Path, keys: Iterable[ApiKey]) -> None:
    """Replace the file by ``keys``, on the disk when this returns. Raises KeyFileError."""
    document = _Document(version=1, keys=tuple(_Entry.of(key) for key in keys))
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(fresh, "wb", opener=_private) as file:
            file.write(document.model_dump_json(indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as exc:
        fresh.unlink(missing_ok=True)
        raise KeyFileError(f"{path} cannot be written: {exc.strerror}") from exc


@contextmanager
def changed_keys(path: Path) -> Iterator[dict[str, ApiKey]]:
    """Give the keys to be changed, and write them back at the end; one at a time. Raises KeyFileError."""
    try:
        with locked(path.with_name(f".{path.name}.lock"), _LOCK_TIMEOUT_S):
            keys = read_keys(path) if path.exists() else {}
            yield keys
            write_keys(path, keys.values())
    except OSError as exc:
        raise KeyFileError(f"{path} cannot be written: {exc.strerror or exc}") from exc


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
