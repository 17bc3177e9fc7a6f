"""Many documents, one after the other: what is written where, and how the whole ends."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
from rich.console import Console

from router.cli.documents.house import opened
from router.cli.documents.progress import Watch
from router.cli.documents.remote import Received, Remote
from router.cli.documents.wish import Wish
from router.cli.documents.written import written
from router.cli.failure import ExitCode, Fault
from router.documents.ask.answer import ask
from router.documents.ask.extract import extract
from router.documents.asker import Asker
from router.documents.errors import DocumentRefused, LibraryMissing
from router.documents.events import Finished
from router.documents.metered import metered
from router.documents.output.answers import answer_object, fields_object
from router.documents.output.json import as_object
from router.documents.pipeline import Job, Pipeline
from router.rpc.client.documents import DocumentClient
from router.rpc.client.errors import UpshiftError

_MICROS = 1_000_000


class Batch:
    """Processes ``files``; a file that is refused does not keep the others waiting."""

    def __init__(self, files: tuple[Path, ...], wish: Wish) -> None:
        self._files = files
        self._wish = wish
        self._watch = Watch(Console(stderr=True, highlight=False), len(files))
        self._refused: list[tuple[Path, str, str]] = []
        self._objects: list[dict[str, Any]] = []
        self._names: Counter[str] = Counter()

    async def run(self) -> None:
        """Process all; raises Fault at the end where some were refused."""
        wish = self._wish
        if len(self._files) > 1 and wish.into is None and not wish.as_json:
            raise Fault("several files need --into DIR, or --json", code=ExitCode.WRONG, reason="USAGE")
        if wish.question is not None and wish.config is None and wish.server is None:
            said = "--ask needs tiers to answer: name a configuration by --config, or a --server"
            raise Fault(said, code=ExitCode.WRONG, reason="USAGE")
        if wish.server is not None:
            await self._far(wish.server)
        else:
            async with opened(wish) as (pipeline, asker):
                with self._watch:
                    for path in self._files:
                        await self._one(pipeline, asker, path)
        self._end()

    async def _far(self, server: str) -> None:
        """Have a server read all; what it refuses does not keep the others waiting."""
        wish = self._wish
        if wish.form == "html" or wish.config or wish.journal or wish.worker_count or wish.max_pages:
            said = "--server reads by the server's own configuration, and gives md or json"
            raise Fault(said, code=ExitCode.WRONG, reason="USAGE")
        async with DocumentClient(server, **wish.access.client_arguments()) as client:
            remote = Remote(client, wish, self._watch)
            with self._watch:
                for path in self._files:
                    self._watch.begins(path)
                    try:
                        self._write_far(path, await remote.read(path))
                    except UpshiftError as exc:
                        if exc.code is not grpc.StatusCode.INVALID_ARGUMENT:
                            raise
                        self._refuse(path, exc.reason, str(exc))

    def _write_far(self, path: Path, got: Received) -> None:
        wish = self._wish
        told = {"file": str(path), **got.as_object()}
        if wish.as_json and wish.into is None:
            self._objects.append(told)
            return
        is_markdown = wish.form == "md" and wish.schema is None and wish.question is None
        text = got.summary.markdown if is_markdown and got.summary is not None else _written(told)
        if wish.into is None:
            sys.stdout.write(text)
            return
        target = self._target(wish.into, path, "md" if is_markdown else "json")
        target.write_text(text, encoding="utf-8")
        if wish.as_json:
            self._objects.append({"file": str(path), "written": str(target)})

    async def _one(self, pipeline: Pipeline, asker: Asker | None, path: Path) -> None:
        wish = self._wish
        money = None if wish.max_cost_usd is None else wish.max_cost_usd * _MICROS
        finished: Finished | None = None
        self._watch.begins(path)
        try:
            async with aclosing(pipeline.run(Job(path, path.name, money, wish.timeout_s))) as events:
                async for event in events:
                    self._watch.hear(event)
                    finished = event if isinstance(event, Finished) else None
        except DocumentRefused as exc:
            self._refuse(path, exc.word, str(exc))
        except LibraryMissing as exc:
            self._refuse(path, "LIBRARY_MISSING", str(exc))
        if finished is not None:
            await self._deliver(path, finished, asker)

    async def _deliver(self, path: Path, finished: Finished, asker: Asker | None) -> None:
        wish = self._wish
        if wish.schema is None and wish.question is None:
            self._write(path, finished)
            return
        money = None if wish.max_cost_usd is None else wish.max_cost_usd * _MICROS
        asker = None if asker is None else metered(asker, money, finished.cost_usd_micros)
        told: dict[str, Any] = {"file": str(path)}
        if wish.schema is not None:
            found = await extract(finished.document, wish.schema, asker, timeout_s=wish.timeout_s)
            told |= fields_object(found, finished.document)
        if wish.question is not None and asker is not None:
            answer = await ask(finished.document, wish.question, asker, timeout_s=wish.timeout_s)
            told |= answer_object(answer, finished.document)
        told["document_cost_usd_micros"] = round(finished.cost_usd_micros, 4)
        if wish.as_json and wish.into is None:
            self._objects.append(told)
            return
        text = _written(told)
        if wish.into is None:
            sys.stdout.write(text)
        else:
            self._target(wish.into, path, "json").write_text(text, encoding="utf-8")

    def _refuse(self, path: Path, reason: str, message: str) -> None:
        self._refused.append((path, reason, message))
        self._watch.refused(path)
        if len(self._files) > 1 and not self._wish.as_json:
            print(f"upshift: {path}: {message}", file=sys.stderr)

    def _write(self, path: Path, finished: Finished) -> None:
        if self._wish.as_json and self._wish.into is None:
            self._objects.append({"file": str(path), **as_object(finished)})
            return
        text = written(finished, path, self._wish.form)
        if self._wish.into is None:
            sys.stdout.write(text)
            return
        target = self._target(self._wish.into, path, self._wish.form)
        target.write_text(text, encoding="utf-8")
        if self._wish.as_json:
            summary = {
                key: value for key, value in as_object(finished).items() if key not in ("elements", "pages")
            }
            self._objects.append({"file": str(path), "written": str(target), **summary})

    def _target(self, into: Path, path: Path, form: str) -> Path:
        """Where a file goes: under its own name, numbered where another of this run has the same."""
        into.mkdir(parents=True, exist_ok=True)
        self._names[path.name] += 1
        number = self._names[path.name]
        return into / (f"{path.name}.{form}" if number == 1 else f"{path.name}-{number}.{form}")

    def _end(self) -> None:
        if self._wish.as_json:
            told: dict[str, Any] = {"documents": self._objects}
            if self._refused:
                told["refused"] = [
                    {"file": str(path), "reason": reason, "message": message}
                    for path, reason, message in self._refused
                ]
            print(json.dumps(told, ensure_ascii=False))
            if self._refused:
                sys.stdout.flush()
                raise SystemExit(ExitCode.WRONG)
            return
        if len(self._files) == 1 and self._refused:
            path, reason, message = self._refused[0]
            raise Fault(f"{path}: {message}", code=ExitCode.WRONG, reason=reason)
        if self._refused:
            said = f"{len(self._refused)} of {len(self._files)} files were refused, see above"
            raise Fault(said, code=ExitCode.WRONG, reason="DOCUMENTS_REFUSED")


def _written(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
