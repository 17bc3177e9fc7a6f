"""NVML: what NVIDIA's GPUs draw, where `nvidia-ml-py` is installed and a driver answers.

All GPUs of the machine count, whoever uses them.
"""

from __future__ import annotations

from typing import Any

_MILLI = 1e-3


class NvmlCounter:
    """The energy counter of one GPU, from ``library`` and its ``handle``."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library = library
        self._handle = handle
        self.joules()

    def joules(self) -> float:
        """Energy since the driver was loaded. Raises OSError where the GPU does not answer."""
        try:
            return float(self._library.nvmlDeviceGetTotalEnergyConsumption(self._handle)) * _MILLI
        except self._library.NVMLError as exc:
            raise OSError(f"NVML does not tell the energy: {exc}") from exc


def nvml_counters() -> list[NvmlCounter]:
    """Every GPU's counter that can be read (Volta and newer); none where there is no driver."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []
    found = []
    for handle in handles:
        try:
            found.append(NvmlCounter(pynvml, handle))
        except OSError:
            continue
    return found
