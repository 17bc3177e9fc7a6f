"""Pages of a file, split in a worker process, so that no file can take the service down."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

from router.documents.element import Page
from router.documents.errors import Broken, EngineFailed, TooLarge
from router.documents.limits import Limits
from router.documents.parse.kind import Kind, kind_of
from router.documents.parse.registry import splitter_for
from router.documents.workers import WorkerDied, Workers, WorkerSilent

_CHUNK = 1 << 20


def examine(path: Path, limits: Limits) -> tuple[str, Kind]:
    """The file's SHA-256 and its kind. Raises DocumentRefused, or OSError where it cannot be read."""
    size = path.stat().st_size
    if size > limits.bytes:
        raise TooLarge(f"{size:,} bytes, more than the {limits.bytes:,} that are taken")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest(), kind_of(path)


async def pages_of(path: Path, kind: Kind, limits: Limits, workers: Workers) -> AsyncGenerator[Page]:
    """Give the pages in order. Raises DocumentRefused, which names the page at fault, and LibraryMissing."""
    seen = 0
    function = "router.documents.split:split_in_worker"
    try:
        stream = workers.stream(function, str(path), kind, limits, silence_s=limits.page_time_s)
        async with aclosing(stream) as pages:
            async for page in pages:
                yield page
                seen = page.number
    except WorkerSilent as exc:
        raise TooLarge(f"not parsed within {limits.page_time_s:g} s", page=seen + 1) from exc
    except WorkerDied as exc:
        raise Broken(f"the parser gave up on it: {exc}", page=seen + 1) from exc
    except EngineFailed as exc:
        raise Broken(f"it cannot be parsed: {exc}", page=seen + 1) from exc


def split_in_worker(path: str, kind: Kind, limits: Limits) -> Iterator[Page]:
    """What the worker runs."""
    yield from splitter_for(kind).split(Path(path), limits)
