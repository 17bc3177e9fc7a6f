"""What is said where the configuration wants what is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class MissingExtra(Exception):
    """A section of the configuration wants an extra that is not installed; the message says which and how."""


@contextmanager
def wanted_by(section: str, *, extra: str = "observability") -> Iterator[None]:
    """Tell an import that fails as a lack of the ``extra``."""
    try:
        yield
    except ImportError as exc:
        raise MissingExtra(
            f"{section} wants a library that is not installed ({exc.name}); "
            f"pip install 'upshift[{extra}]', or leave the section out"
        ) from exc
