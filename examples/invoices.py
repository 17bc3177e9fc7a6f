"""From a folder of invoices to a checked table: read, extract, and hold each total against its lines.

Needs no server, no model and no key; `pip install 'upshift[documents]'` brings what it reads with. One of the
invoices does not add up, and is told apart.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from router.documents.ask.extract import Found, extract
from router.documents.assemble import open_pipeline
from router.documents.outcome import Document, Verdict
from router.documents.pipeline import Job

FOLDER = Path(__file__).parent / "invoices"
SUFFIXES = (".html", ".md", ".pdf")


async def main(paths: list[Path]) -> None:
    """Print a line an invoice."""
    schema = json.loads((FOLDER / "fields.json").read_text(encoding="utf-8"))
    print(f"{'file':<18} {'number':<8} {'date':<12} {'total':>9}  checks")
    async with open_pipeline() as pipeline:
        for path in paths:
            document = (await pipeline.document(Job(path))).document
            found = {one.field.name: one for one in await extract(document, schema, None)}
            values = [str(found[name].value) for name in ("invoice_number", "date", "total")]
            doubts = "; ".join(_doubts(document, found)) or "ok"
            print(f"{path.name:<18} {values[0]:<8} {values[1]:<12} {values[2]:>9}  {doubts}")


def _doubts(document: Document, found: dict[str, Found]) -> Iterator[str]:
    """What a person should look at."""
    for name, one in found.items():
        if one.verdict is Verdict.UNVERIFIED:
            yield f"{name} is not sure"
    for outcome in document.outcomes:
        # The verifier adds up the column above every cell that is named a total.
        if outcome.evidence.get("sums", 1.0) < 1.0:
            yield f"the lines of the table on page {outcome.element.provenance.page} do not add up"


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    asyncio.run(main(sorted(path for path in where.iterdir() if path.suffix in SUFFIXES)))
