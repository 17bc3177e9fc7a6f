"""Finds out in a child process whether this build of llama.cpp survives its fast weight layouts.

Builds by gcc before 13 die by a signal in AMX instructions (llama.cpp issue 20824), which no
``except`` can catch; a child that dies can be seen. Only processors with AMX need the test.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_TIMEOUT_S = 120.0

logger = logging.getLogger(__name__)


class SelfTest(StrEnum):
    """What came of the test. ``FAILED``: the child could not load the model, which says nothing of AMX."""

    NOT_NEEDED = "not needed"
    PASSED = "passed"
    FAILED = "failed"
    DIED = "died"
    HUNG = "hung"

    @property
    def allows_extra_buffers(self) -> bool:
        """Whether weights may be repacked for the processor."""
        return self not in {SelfTest.DIED, SelfTest.HUNG}


def self_test(model: Path, *, cpuinfo: Path = _CPUINFO, command: Sequence[str] | None = None) -> SelfTest:
    """Compute two tokens of ``model`` with repacked weights in a child.

    Blocks while the child loads the model, on processors with AMX only; two minutes at most.
    """
    if not cpuinfo.exists() or " amx_int8" not in cpuinfo.read_text():
        return SelfTest.NOT_NEEDED
    safe = ("-P",) if sys.flags.safe_path else ()
    command = command or (sys.executable, *safe, "-m", __name__, str(model))
    try:
        code = subprocess.run(command, check=False, capture_output=True, timeout=_TIMEOUT_S).returncode  # noqa: S603
    except subprocess.TimeoutExpired:
        return SelfTest.HUNG
    if code == -signal.SIGKILL:
        return SelfTest.FAILED  # the system had no memory for a second copy
    return SelfTest.DIED if code < 0 else SelfTest.FAILED if code else SelfTest.PASSED


def may_use_extra_buffers(
    model: Path, *, cpuinfo: Path = _CPUINFO, command: Sequence[str] | None = None
) -> bool:
    """Whether ``model`` can be computed with repacked weights on this machine; logs a warning where not."""
    result = self_test(model, cpuinfo=cpuinfo, command=command)
    if not result.allows_extra_buffers:
        logger.warning(
            "this build of llama.cpp %s in AMX instructions: weights stay unpacked and answers come slower; "
            "build llama-cpp-python with gcc 13 or later, or with AMX instructions switched off",
            result,
        )
    return result.allows_extra_buffers


def main(model: str) -> None:
    """Load ``model`` and compute two tokens at once, which is what the faulty instructions need."""
    import llama_cpp

    from backends.llamacpp.native import open_model
    from backends.llamacpp.options import LlamaCppOptions

    options = LlamaCppOptions(model=model, context_token_count=16, sequence_count=1)
    native = open_model(Path(model), options, extra_buffers=True)
    tokens = (llama_cpp.llama_token * 2)(0, 0)
    llama_cpp.llama_decode(native.context, llama_cpp.llama_batch_get_one(tokens, 2))
    native.free()


if __name__ == "__main__":
    main(sys.argv[1])
