"""Why a document, or a part of it, cannot be read.

::

    InvalidRequest (of the router)
     +-- DocumentRefused     it cannot be processed as it is; says what was found, and on which page
          +-- Unsupported    no splitter knows this kind of file
          +-- Encrypted      it opens with a password only
          +-- Broken         its bytes do not make sense
          +-- TooLarge       a limit is passed: bytes, pages, pixels, decompression, time
    DocumentError
     +-- EngineFailed        one engine could not read one element; another may
     +-- LibraryMissing      a library or command that this needs is not installed

``reason`` is the stable word that programs read. A refusal is the caller's to act on, so it travels as
every invalid request does; an engine's failure stays inside the pipeline.
"""

from __future__ import annotations

from router.errors import InvalidRequest, Violation


class DocumentRefused(InvalidRequest):
    """The document cannot be processed; ``page`` counts from 1, None: the file as a whole."""

    word = "DOCUMENT_REFUSED"

    def __init__(self, message: str, *, page: int | None = None) -> None:
        said = message if page is None else f"page {page}: {message}"
        super().__init__((Violation("document", self.word, said),))
        self.page = page
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whole."""
        return (_remade, (type(self), self.message, self.page))


class Unsupported(DocumentRefused):
    """No splitter knows this kind of file."""

    word = "DOCUMENT_UNSUPPORTED"


class Encrypted(DocumentRefused):
    """The file opens with a password only."""

    word = "DOCUMENT_ENCRYPTED"


class Broken(DocumentRefused):
    """The file's bytes do not make sense as what they claim to be."""

    word = "DOCUMENT_BROKEN"


class TooLarge(DocumentRefused):
    """The document passes a limit."""

    word = "DOCUMENT_TOO_LARGE"


class DocumentError(Exception):
    """Base of what goes wrong inside the pipeline and ends no document."""


class EngineFailed(DocumentError):
    """An engine could not read an element."""


class LibraryMissing(DocumentError):
    """Something that is not installed is needed; the message names what to install."""


def _remade(kind: type[DocumentRefused], message: str, page: int | None) -> DocumentRefused:
    return kind(message, page=page)
