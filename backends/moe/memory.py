"""How much memory there is, before something large is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import torch


def available_byte_count(device: str) -> int | None:
    """Bytes that ``device`` (cpu or cuda) can still give; None: it cannot be known."""
    if device != "cpu":
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    try:
        fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _physical_byte_count()


def _physical_byte_count() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
