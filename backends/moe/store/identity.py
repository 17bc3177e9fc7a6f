"""Which checkpoint a model was loaded from: its commit on the hub, or a hash of its files.

Hashes of large files are remembered, by path, size, time and inode, so that only the first start
reads them.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

_MEMO = "digests.json"


def identity_of(model: str, commit: str | None, memo_folder: Path) -> str:
    """Identify ``model``, a folder or a name on the hub whose ``commit`` is known."""
    folder = Path(model)
    if not folder.is_dir():
        return f"{model}@{commit or 'unknown'}"
    memo = _Memo(memo_folder / _MEMO)
    files = sorted(path for path in folder.iterdir() if path.suffix == ".safetensors")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name} {memo.digest_of(path)}\n".encode())
    # Sizes and the number of experts are in the header; of the config nothing else changes a row.
    return f"sha256:{digest.hexdigest()}"


class _Memo:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def digest_of(self, path: Path) -> str:
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        name = str(path.resolve())
        known = self._known.get(name)
        if isinstance(known, list) and known[:3] == stamp:
            return str(known[3])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._known[name] = [*stamp, digest]
        self._write()
        return digest

    def _write(self) -> None:
        part = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}.part")
        part.write_text(json.dumps(self._known))
        os.replace(part, self._path)


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # absent or half-written: files are hashed again
    return known if isinstance(known, dict) else {}
