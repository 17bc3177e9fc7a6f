"""What kind of file this is, by its bytes first and its name last."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from router.documents.errors import Broken, Encrypted, Unsupported


class Kind(StrEnum):
    """A format that can be split."""

    PDF = "pdf"
    DOCX = "docx"
    HTML = "html"
    MARKDOWN = "markdown"
    IMAGE = "image"


_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM", b"GIF8")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")
_TEXT_SUFFIXES = {
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.MARKDOWN,
    ".text": Kind.MARKDOWN,
}
_HEAD_BYTE_COUNT = 2048


def kind_of(path: Path) -> Kind:
    """Tell the kind of the file at ``path``. Raises DocumentRefused where none fits."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTE_COUNT)
    if not head.strip():
        raise Broken("the file is empty")
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Kind.IMAGE
    if head.startswith(_OLE):
        raise _old_office(path)
    if head.startswith(b"PK\x03\x04"):
        return _office(path)
    return _text(path, head)


def _old_office(path: Path) -> Encrypted | Unsupported:
    """An encrypted DOCX is an OLE file that names its encryption; an old DOC names none."""
    with path.open("rb") as file:
        if "EncryptedPackage".encode("utf-16-le") in file.read(1 << 20):
            return Encrypted("the document is encrypted; save it without a password")
    return Unsupported("this is an Office file of before 2007; save it as DOCX or PDF")


def _office(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as exc:
        raise Broken(f"the archive cannot be opened: {exc}") from exc
    if "word/document.xml" in names:
        return Kind.DOCX
    held = next((kind for kind in ("ppt/", "xl/") if any(name.startswith(kind) for name in names)), None)
    said = {"ppt/": "a PPTX", "xl/": "an XLSX"}.get(held or "", "an archive")
    raise Unsupported(f"{path.suffix or 'the file'} is {said}; PDF, DOCX, HTML, Markdown and images are read")


def _text(path: Path, head: bytes) -> Kind:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_HTML_STARTS):
        return Kind.HTML
    by_name = _TEXT_SUFFIXES.get(path.suffix.lower())
    if by_name is None or b"\x00" in head:
        raise Unsupported(
            f"{path.suffix or 'a file without a suffix'} with these bytes is of no known kind; "
            "PDF, DOCX, HTML, Markdown and images are read"
        )
    return by_name
