"""RAPL: what the processor's packages draw, as Linux tells under ``/sys/class/powercap``.

Decides which counters count: those of whole packages, for their parts are in them, and memory where it has
one of its own. Most systems let only root read them.
"""

from __future__ import annotations

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
_MICRO = 1e-6


class RaplCounter:
    """The counter of a zone's ``folder``, which starts again from 0 beyond ``range_uj``."""

    def __init__(self, folder: Path, range_uj: int) -> None:
        self._file = folder / "energy_uj"
        self._range_uj = range_uj
        self._last_uj = self._read()
        self._total_uj = 0

    def joules(self) -> float:
        """Energy since it was opened."""
        now_uj = self._read()
        self._total_uj += (now_uj - self._last_uj) % (self._range_uj + 1)
        self._last_uj = now_uj
        return self._total_uj * _MICRO

    def _read(self) -> int:
        return int(self._file.read_bytes())


def rapl_counters(root: Path = POWERCAP) -> list[RaplCounter]:
    """Every package's counter below ``root`` that can be read; none where there is no such thing."""
    found = []
    for folder in sorted(root.glob("*-rapl:*")) if root.is_dir() else ():
        try:
            name = (folder / "name").read_text().strip()
            if name.startswith("package") or name in ("psys", "dram"):
                found.append((name, RaplCounter(folder, int((folder / "max_energy_range_uj").read_text()))))
        except (OSError, ValueError):
            continue
    # The whole platform contains its packages.
    platform = [counter for name, counter in found if name == "psys"]
    return platform or [counter for _, counter in found]
