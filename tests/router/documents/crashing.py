"""A run that can be killed: processes a document with a journal, and tells of work done twice.

``python -m tests.router.documents.crashing DOCUMENT JOURNAL OUTPUT TOLD``
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from router.documents.assemble import Settings, open_pipeline
from router.documents.output.json import to_json
from router.documents.pipeline import Job
from router.documents.steps import SqliteSteps, StepKey


class TellingSteps(SqliteSteps):
    """Writes to ``told`` where a step is committed that was committed before: its work was done twice."""

    def __init__(self, path: Path, told: Path) -> None:
        super().__init__(path)
        self._told = told

    def put(self, key: StepKey, payload: str) -> None:
        """Commit a step."""
        if self.get(key) is not None:
            with self._told.open("a") as file:
                print("redone", key, file=file)
        super().put(key, payload)


async def _main(document: str, journal: str, output: str, told: str) -> None:
    steps = TellingSteps(Path(journal), Path(told))
    async with open_pipeline(Settings(worker_count=1), steps=steps) as pipeline:
        text = to_json(await pipeline.document(Job(Path(document))))
    steps.close()
    await asyncio.to_thread(Path(output).write_text, text)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
