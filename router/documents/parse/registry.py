"""Which splitter reads which kind; packages outside add or replace one by an entry point.

A class is imported only when a file of its kind comes, and in a parser's process.
"""

from __future__ import annotations

from policies.registry import Registry
from router.documents.parse.base import Splitter
from router.documents.parse.kind import Kind

SPLITTERS = Registry(
    "splitter",
    "upshift.document_splitters",
    {
        Kind.PDF: "router.documents.parse.pdf:PdfSplitter",
        Kind.DOCX: "router.documents.parse.docx:DocxSplitter",
        Kind.HTML: "router.documents.parse.html:HtmlSplitter",
        Kind.MARKDOWN: "router.documents.parse.markdown:MarkdownSplitter",
        Kind.IMAGE: "router.documents.parse.image:ImageSplitter",
    },
)
"""Built as ``Class()``; see :class:`router.documents.parse.base.Splitter`."""


def splitter_for(kind: Kind) -> Splitter:
    """Make the splitter for ``kind``."""
    splitter: Splitter = SPLITTERS.load(kind)()
    return splitter
