"""What this machine has and what of it this process may use, as Linux tells; decides nothing.

Elsewhere, and where a file is missing, the answer is None or what Python knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.cores import core_count

_ROOT = Path("/")
# A control group without a limit of its own says a number near 2**63.
_NO_LIMIT = 2**60


@dataclass(frozen=True, slots=True)
class Machine:
    """``instructions``: names of the processor's extensions, as the kernel has them; empty: not known.

    ``usable_count``: hardware threads that this process may run on; ``core_count``: physical cores
    among them. ``quota``: cores' worth of time that its control group gives, None: all.
    """

    processor: str
    instructions: frozenset[str]
    logical_count: int
    usable_count: int
    core_count: int
    quota: float | None
    load: float
    memory_byte_count: int | None
    available_byte_count: int | None
    memory_limit: int | None


def machine(root: Path = _ROOT) -> Machine:
    """Look; ``root`` holds ``proc`` and ``sys``."""
    processor = _fields(root / "proc/cpuinfo")
    memory = _fields(root / "proc/meminfo")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        processor=processor.get("model name", "unknown processor"),
        instructions=frozenset((processor.get("flags") or processor.get("Features") or "").split()),
        logical_count=os.cpu_count() or 1,
        usable_count=usable,
        core_count=core_count(),
        quota=_quota(root),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
        memory_byte_count=_bytes(memory.get("MemTotal")),
        available_byte_count=_bytes(memory.get("MemAvailable")),
        memory_limit=_memory_limit(root),
    )


def _fields(path: Path) -> dict[str, str]:
    """The ``name: value`` lines of a file, the first of each name."""
    found: dict[str, str] = {}
    for line in _text(path).splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), value.strip())
    return found


def _quota(root: Path) -> float | None:
    quotas = []
    for group in _groups(root, "cpu"):
        quota, period = (_text(group / "cpu.max").split() or ["max", "1"])[:2]
        if not (group / "cpu.max").exists():
            quota = _text(group / "cpu.cfs_quota_us").strip()
            period = _text(group / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit():
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _memory_limit(root: Path) -> int | None:
    limits = []
    for group in _groups(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            said = _text(group / name).strip()
            if said.isdigit() and int(said) < _NO_LIMIT:
                limits.append(int(said))
    return min(limits, default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's control group and of those around it, in both versions of the interface."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if names and controller not in names.split(","):
            continue
        mount = root / "sys/fs/cgroup" / (controller if names else "")
        group = mount / path.strip("/")
        yield group
        # Inside a container the path may lead nowhere; the mount itself is then the group.
        yield from (parent for parent in group.parents if parent == mount or mount in parent.parents)


def _bytes(said: str | None) -> int | None:
    """Bytes of a value such as ``24684084 kB``."""
    return int(said.split()[0]) * 1024 if said else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
