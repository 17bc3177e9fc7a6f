"""Where documents lie while they are read, and for a while after, so that who lost the stream can go on.

A document's name there is the SHA-256 of its bytes. The oldest go first when there are too many.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from router.documents.errors import DocumentRefused, TooLarge
from router.errors import UnknownRequest

_MOST_FILES = 256
_CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,12}")


class PathNotAllowed(DocumentRefused):
    """The path lies below none of the directories that clients may name."""

    word = "DOCUMENT_PATH_NOT_ALLOWED"


class Spool:
    """Files by digest in ``directory``; None: a directory of its own, which ``close`` removes."""

    def __init__(self, directory: Path | None, roots: Sequence[Path], max_bytes: int) -> None:
        self._is_own = directory is None
        self._directory = directory
        self._roots = tuple(root.resolve() for root in roots)
        self._max_bytes = max_bytes

    def open(self) -> None:
        """Make the directory, readable by nobody else."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="upshift-documents-"))
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def close(self) -> None:
        """Remove the directory where it is the spool's own."""
        if self._is_own and self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    async def keep(self, name: str, chunks: AsyncIterator[bytes]) -> Path:
        """Write what comes and return where it lies. Raises TooLarge."""
        digest, size = hashlib.sha256(), 0
        handle, raw = await asyncio.to_thread(tempfile.mkstemp, dir=self._folder, prefix="incoming-")
        incoming = Path(raw)
        try:
            with os.fdopen(handle, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise TooLarge(f"more than the {self._max_bytes:,} bytes that are taken")
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
            return await asyncio.to_thread(self._named, incoming, digest.hexdigest(), name)
        finally:
            await asyncio.to_thread(incoming.unlink, missing_ok=True)

    async def take(self, path: str) -> tuple[str, Path]:
        """Copy the server's own file at ``path``; return its name and where it lies.

        Raises PathNotAllowed unless it lies, links followed, below one of the roots.
        """
        wanted = await asyncio.to_thread(Path(path).resolve)
        if not any(wanted.is_relative_to(root) for root in self._roots) or not wanted.is_file():
            raise PathNotAllowed("no file below documents.roots has this path; send its bytes instead")
        return wanted.name, await self.keep(wanted.name, _read(wanted))

    def find(self, digest: str) -> Path:
        """Where the document with this digest lies. Raises UnknownRequest."""
        found = next(iter(self._folder.glob(f"{digest}.*")), None) if _DIGEST.fullmatch(digest) else None
        if found is None:
            raise UnknownRequest("no document of this id is here any more; send it again")
        return found

    @property
    def _folder(self) -> Path:
        assert self._directory is not None, "opened first"
        return self._directory

    def _named(self, incoming: Path, digest: str, name: str) -> Path:
        """Give the file its name by digest; the suffix tells kinds of text apart."""
        suffix = Path(name).suffix
        target = self._folder / f"{digest}{suffix if _SUFFIX.fullmatch(suffix) else '.bin'}"
        incoming.replace(target)
        kept = sorted(self._folder.glob("*.*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kept[_MOST_FILES:]:
            old.unlink(missing_ok=True)
        return target


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk
