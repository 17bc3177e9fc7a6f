"""Certificates in one JSON file: written whole or not at all, read whole or refused.

The hash guards against accidents, not against forgery: who can write the file can promise anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from policies.guarantee.certificate import Certificate, digest

KIND = "upshift.certificates"
FORMAT_VERSION = 1
"""Raise when the content changes shape; files of other versions are refused."""


class CertificateError(Exception):
    """The file holds no certificates that this version can trust; calibrate again."""


def save_certificates(certificates: Sequence[Certificate], path: Path) -> None:
    """Write ``certificates`` to ``path``; one of each policy and stratum. Raises OSError."""
    content = [certificate.to_json() for certificate in certificates]
    document = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "sha256": digest(content),
        "certificates": content,
    }
    write_whole(path, json.dumps(document, allow_nan=False, indent=1, ensure_ascii=False) + "\n")


def load_certificates(path: Path) -> tuple[Certificate, ...]:
    """Read what :func:`save_certificates` wrote.

    Raises CertificateError that says what is wrong, and OSError where the file cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as exc:
        raise CertificateError(f"{path}: not JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise CertificateError(f"{path}: holds no certificates; its kind must be {KIND!r}")
    if document.get("format_version") != FORMAT_VERSION:
        raise CertificateError(
            f"{path}: format_version is {document.get('format_version')!r} and this version reads "
            f"{FORMAT_VERSION}; calibrate again"
        )
    content = document.get("certificates")
    if not isinstance(content, list) or not _has_digest(content, document.get("sha256")):
        raise CertificateError(
            f"{path}: its content does not have the SHA-256 it names; it was damaged or edited"
        )
    try:
        return tuple(Certificate.from_json(item) for item in content)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as exc:
        raise CertificateError(f"{path}: its content is no certificate: {exc}") from exc


def write_whole(path: Path, text: str) -> None:
    """Write beside ``path`` and rename over it, so that a reader sees the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _has_digest(content: list[object], claimed: object) -> bool:
    try:
        return digest(content) == claimed
    except ValueError:
        return False  # Python's json reads infinity; nobody wrote it
