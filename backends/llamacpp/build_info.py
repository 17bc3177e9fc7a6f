"""What the installed llama.cpp was built with: what its builder wrote down, and what it says itself.

llama.cpp is asked in a child process: a library with instructions that this processor lacks dies
by a signal, and whoever asks must live to tell.
"""

from __future__ import annotations

import ctypes
import json
import re
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from backends.errors import Unavailable

# Below sys.prefix; `make setup` writes it.
RECORD_PATH = Path("share", "upshift", "llama-cpp-build.json")
_TIMEOUT_S = 60.0
_FEATURE = re.compile(r"([A-Z][A-Z0-9_]+) = (\d+)")
# The first gcc whose AMX tile intrinsics declare what they read and write (llama.cpp issue 20824).
FIRST_GCC_WITH_SOUND_AMX = 13


class BuildRecord(BaseModel):
    """What ``make setup`` wrote down. ``flags`` go to the C and the C++ compiler beside llama.cpp's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: str
    compiler: str
    flags: str
    built_at: str

    @property
    def gcc_major(self) -> int | None:
        """Major version of gcc; None where another compiler built it."""
        found = re.match(r"\S+ \(.*\) (\d+)\.", self.compiler)
        return int(found[1]) if found else None


class BuildReport(BaseModel):
    """What the library says of itself: its version, and which instructions and parts are in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: str
    system_info: str

    @property
    def features(self) -> frozenset[str]:
        """Names that are switched on, such as ``AVX2``, ``OPENMP``, ``AMX_INT8``."""
        return frozenset(name for name, value in _FEATURE.findall(self.system_info) if value != "0")


def build_record(prefix: Path | None = None) -> BuildRecord | None:
    """Return what was written down below ``prefix`` (default: this environment); None: nothing usable."""
    path = (prefix or Path(sys.prefix)) / RECORD_PATH
    try:
        return BuildRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def build_report() -> BuildReport:
    """Ask the installed library; takes half a second. Raises Unavailable where it dies or does not load."""
    command = (sys.executable, "-m", __name__)
    try:
        asked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_TIMEOUT_S)  # noqa: S603
    except subprocess.TimeoutExpired as exc:
        raise Unavailable(f"llama.cpp did not load within {_TIMEOUT_S:.0f} s") from exc
    if asked.returncode < 0:
        raise Unavailable(f"llama.cpp died of signal {-asked.returncode} when it was loaded")
    if asked.returncode > 0:
        said = asked.stderr.strip().splitlines()
        raise Unavailable(f"llama.cpp cannot be loaded: {said[-1] if said else 'it does not say why'}")
    return BuildReport.model_validate_json(asked.stdout.splitlines()[-1])


def main() -> None:
    """Load the library and print what it says."""
    import llama_cpp

    silent = llama_cpp.llama_log_callback(lambda *_: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    said = llama_cpp.llama_print_system_info().decode()
    print(json.dumps({"version": llama_cpp.__version__, "system_info": said}))


if __name__ == "__main__":
    main()
