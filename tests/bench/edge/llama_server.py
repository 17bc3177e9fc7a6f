"""llama.cpp's own server, built from the sources and with the compiler flags of the installed library.

Kept in the cache by all that changes the program. The build takes five to fifteen minutes on two
cores and runs once.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from backends.llamacpp.build_info import build_record
from tests.bench.edge.folder import cache_folder
from tests.bench.edge.sources import MissingError, llama_cpp_version, source_folder

# Everything that a server which only answers does not need is left out; what computes is as by default.
_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
)
_AMX_OFF = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


def llama_server() -> Path:
    """Return the program; raises MissingError where it has not been built."""
    program = _program()
    if not program.exists():
        raise MissingError("llama-server is not built")
    return program


def build_llama_server(say: Callable[[str], None]) -> None:
    """Build the program where it is not in the cache; raises MissingError where that fails."""
    program = _program()
    if not program.exists():
        say("building llama-server, once: five to fifteen minutes on two cores")
        _build(program)


def _program() -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or shutil.which("cmake") is None:
        raise MissingError("building llama-server needs cmake and a C++ compiler")
    says = subprocess.run((compiler, "--version"), check=True, capture_output=True, text=True).stdout
    facts = (llama_cpp_version(), *_OPTIONS, _flags(), says, _processor())
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return cache_folder("llama-server") / f"llama-server-{key}"


def _build(program: Path) -> None:
    source = source_folder() / "vendor" / "llama.cpp"
    folder = program.with_suffix(".build")
    flags = (f"-DCMAKE_C_FLAGS={_flags()}", f"-DCMAKE_CXX_FLAGS={_flags()}")
    log = program.with_suffix(".log")
    steps = (
        ("cmake", "-S", str(source), "-B", str(folder), *_OPTIONS, *flags),
        ("nice", "cmake", "--build", str(folder), "--target", "llama-server", "-j", str(os.cpu_count() or 1)),
    )
    with log.open("w") as output:
        for step in steps:
            if subprocess.run(step, check=False, stdout=output, stderr=subprocess.STDOUT).returncode != 0:
                raise MissingError(f"building llama-server failed; {log} says why")
    shutil.move(folder / "bin" / "llama-server", program)
    shutil.rmtree(folder)


def _flags() -> str:
    """The flags of the installed library; where they were not written down, without the doubtful AMX."""
    record = build_record()
    if record is not None:
        return record.flags
    return _AMX_OFF if platform.machine() == "x86_64" else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
