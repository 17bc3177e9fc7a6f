"""A finished document in the form that was asked for."""

from __future__ import annotations

from pathlib import Path

from router.documents.events import Finished
from router.documents.output.json import to_json
from router.documents.output.markdown import to_markdown
from router.documents.output.report import to_html


def written(finished: Finished, path: Path, form: str) -> str:
    """The document as ``md``, ``json`` or ``html``; a report looks at the file for its pictures."""
    if form == "json":
        return to_json(finished)
    if form == "html":
        return to_html(finished, path)
    return to_markdown(finished.document)
