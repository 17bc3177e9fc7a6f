"""How much memory there is, before something large is asked for; and giving back what is free."""

from __future__ import annotations

import ctypes
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


def give_back_freed() -> None:
    """Return freed memory to the system, where the C library keeps it (glibc: up to 32 MiB a block).

    Tensors of a few megabytes that come and go otherwise pile up: loading kept 95 of 144 MiB of experts.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def _physical_byte_count() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
