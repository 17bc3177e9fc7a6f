"""Whether the admin port's keys are good enough for other machines to try them.

Decides what a weak key is. Keys that ``upshift keys`` makes never are; files of keys can be edited, or be
left open to others.
"""

from __future__ import annotations

import stat
import string
import sys
from collections.abc import Iterable
from pathlib import Path

from router.tenants.keys import SECRET_LENGTH, ApiKey
from router.tenants.principal import Scope

_GUESSES = tuple(character * SECRET_LENGTH for character in string.ascii_letters + string.digits + "-_")
_MIN_SALT_BYTE_COUNT = 8
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def weakness_of(path: Path, keys: Iterable[ApiKey], now_s: float) -> str | None:
    """Say why the admin keys in the file at ``path`` must not guard an open port; None: they may."""
    usable = [key for key in keys if Scope.ADMIN in key.scopes and not key.has_expired(now_s)]
    if not usable:
        return f"{path} has no admin key; make one: upshift keys create --scope admin --tenant ops"
    for key in usable:
        if len(key.salt) < _MIN_SALT_BYTE_COUNT or any(map(key.fits, _GUESSES)):
            return f"admin key {key.id} in {path} is weak; revoke it and have one made by `upshift keys`"
    if sys.platform != "win32" and path.stat().st_mode & _OTHERS_MAY_WRITE:
        return f"{path} can be written by other users, who could add keys; chmod 600 it"
    return None
