"""Standard output for people: as wide as the terminal, and unlimited where it goes into a file or a pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console

_UNLIMITED = 1000


def screen() -> Console:
    """Give a console that never cuts a table for a terminal that is not there."""
    is_sized = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if is_sized else _UNLIMITED)
