"""``upshift document``: files in, structured output out, and what every element took.

The document goes to standard output or into files, everything else to standard error.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from router.cli import parameters as given
from router.cli.access import Access, Key, TlsCa, TlsCertificate, TlsKey

EPILOG = """
**Examples**

`upshift document report.pdf` writes Markdown; what could not be verified is marked in it.

`upshift document scan.png --out json` writes every element with its page, box, engine, confidence and cost.

`upshift document report.pdf --out html > report.html` draws the pages with their elements in colour.

`upshift document invoice.pdf --schema fields.json` gives fields, each with page, quote and confidence.

`upshift document report.pdf -c upshift.yaml --ask "When does it end?"` answers with quotes.

`upshift document invoices/*.pdf --into read/` reads many files, each into one of its own.

`upshift document scan.pdf -c upshift.yaml` also asks a configuration's tiers, by its document policies.

`upshift document report.pdf --server 10.0.0.5:50051` sends it to a server, whose tiers and journal it uses.

`upshift document big.pdf --journal work.sqlite` goes on where it was killed when it is run again.

Extras: `documents` reads PDF, DOCX, HTML, Markdown and images; `documents-vision` adds a table model and
OCR for hard scans; Debian's `tesseract-ocr` adds cheap OCR. What is missing is said, with what it would add.
"""


class Form(StrEnum):
    """What is written."""

    MARKDOWN = "md"
    JSON = "json"
    HTML = "html"


Files = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="PDF, DOCX, HTML, Markdown, or an image.")
]
Out = Annotated[Form, typer.Option(help="Markdown, JSON with provenance, or an HTML report with boxes.")]
Into = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write a file each into this directory, made where missing."),
]
Journal = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="SQLite file of finished steps, which another run takes up. It holds text."
    ),
]
Schema = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="JSON Schema of an object: give its fields, each with where it stands."
    ),
]
Ask = Annotated[
    str | None,
    typer.Option(metavar="QUESTION", help="Give an answer with quotes; needs --config, for its tiers."),
]
Server = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Have a server read them; goes on where the connection broke. md or json."
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=64, help="Processes for parsing, and as many for reading.")
]
MaxPages = Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Refuse documents with more pages.")]
DocumentCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost", metavar="USD", min=0.0, help="Most that a document may cost; the rest is marked."
    ),
]
DocumentTime = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Time for a document; the rest is marked."),
]


def document(
    files: Files,
    out: Out = Form.MARKDOWN,
    into: Into = None,
    journal: Journal = None,
    max_cost: DocumentCost = None,
    timeout: DocumentTime = None,
    workers: Workers = None,
    max_pages: MaxPages = None,
    config: given.OwnConfig = None,
    schema: Schema = None,
    ask: Ask = None,
    server: Server = None,
    key: Key = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Read documents with the cheapest engines that can be trusted, element by element."""
    import asyncio

    from router.cli.asking import read_schema
    from router.cli.documents.batch import Batch
    from router.cli.documents.wish import Wish

    wish = Wish(
        form=out.value,
        into=into,
        journal=journal,
        max_cost_usd=max_cost,
        timeout_s=timeout,
        worker_count=workers,
        max_pages=max_pages,
        as_json=json,
        config=config,
        schema=read_schema(schema),
        question=ask,
        server=server,
        access=Access(key, tls_ca, tls_certificate, tls_key),
    )
    asyncio.run(Batch(tuple(files), wish).run())
