"""To docling's document format and back, by its published JSON schema, without its library.

What docling has no place for (engine, confidence, verdict, cost) stays in our own JSON: docling's free-form
fields leak into the Markdown that it exports.
"""

from router.documents.docling.read import from_docling
from router.documents.docling.write import to_docling

__all__ = ["from_docling", "to_docling"]
