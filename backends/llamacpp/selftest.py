"""Finds out in a child process whether this build of llama.cpp survives its fast weight layouts.

Builds by gcc before 13 die by a signal in AMX instructions (llama.cpp issue 20824), which no
``except`` can catch; a child that dies can be seen. Only processors with AMX need the test.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_TIMEOUT_S = 120.0

logger = logging.getLogger(__name__)


def may_use_extra_buffers(
    model: Path, *, cpuinfo: Path = _CPUINFO, command: Sequence[str] | None = None
) -> bool:
    """Whether ``model`` can be computed with repacked weights on this machine without a crash.

    Blocks while a child loads the model and computes two tokens, on processors with AMX only.
    """
    if not cpuinfo.exists() or " amx_int8" not in cpuinfo.read_text():
        return True
    command = command or (sys.executable, "-m", __name__, str(model))
    try:
        code = subprocess.run(command, check=False, capture_output=True, timeout=_TIMEOUT_S).returncode  # noqa: S603
    except subprocess.TimeoutExpired:
        code = -1
    if code < 0:
        logger.warning(
            "this build of llama.cpp dies in AMX instructions (signal %d): weights stay unpacked and answers "
            "come slower; build llama-cpp-python with gcc 13 or later, or with AMX instructions switched off",
            -code,
        )
    return code >= 0


def main(model: str) -> None:
    """Load ``model`` and compute two tokens at once, which is what the faulty instructions need."""
    import llama_cpp

    from backends.llamacpp.native import open_model
    from backends.llamacpp.options import LlamaCppOptions

    native = open_model(Path(model), LlamaCppOptions(model=model, context_token_count=16), extra_buffers=True)
    tokens = (llama_cpp.llama_token * 2)(0, 0)
    llama_cpp.llama_decode(native.context, llama_cpp.llama_batch_get_one(tokens, 2))
    native.free()


if __name__ == "__main__":
    main(sys.argv[1])
