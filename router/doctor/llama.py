"""Judges the installed llama.cpp: its build, its instructions, its threads, and whether it computes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from backends.llamacpp.build_info import FIRST_GCC_WITH_SOUND_AMX, BuildRecord, BuildReport
from router.doctor.finding import Finding, State
from router.doctor.machine import Machine

_REBUILD = "build it on this machine: make setup"
# llama.cpp's names of instructions, and the kernel's.
_KERNEL_NAMES = {
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX2": "avx2",
    "AVX_VNNI": "avx_vnni",
    "F16C": "f16c",
    "FMA": "fma",
    "BMI2": "bmi2",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "NEON": "asimd",
    "DOTPROD": "asimddp",
    "MATMUL_INT8": "i8mm",
    "SVE": "sve",
}
_AMX, _KERNEL_AMX = "AMX_INT8", "amx_int8"
_SELF_TEST_TIMEOUT_S = 60.0


def build(report: BuildReport, record: BuildRecord | None) -> Finding:
    """What was built, when and how."""
    seen = f"llama-cpp-python {report.version}"
    if record is None:
        return Finding("llama.cpp", State.OK, f"{seen}; how it was built was not written down")
    if record.version != report.version:
        seen += f", but make setup built {record.version}"
        return Finding("llama.cpp", State.SLOW, seen, f"something else installed it; {_REBUILD}")
    flags = f" with {record.flags}" if record.flags else ""
    return Finding("llama.cpp", State.OK, f"{seen}, built {record.built_at} by {record.compiler}{flags}")


def instructions(report: BuildReport, machine: Machine) -> Finding:
    """Whether it uses what the processor can do, and nothing else."""
    used = {name for name in _KERNEL_NAMES if name in report.features}
    there = {name for name, kernel_name in _KERNEL_NAMES.items() if kernel_name in machine.instructions}
    seen = f"uses {_list(used)}"
    if not machine.instructions:
        return Finding(
            "instructions", State.OK, f"{seen}; what the processor has is not known on this system"
        )
    if foreign := used - there:
        return Finding(
            "instructions", State.BROKEN, f"{seen}; the processor lacks {_list(foreign)}", _REBUILD
        )
    if idle := there - used:
        return Finding("instructions", State.SLOW, f"{seen}; the processor has {_list(idle)} too", _REBUILD)
    return Finding("instructions", State.OK, f"{seen}: all that the processor has for this")


def amx(report: BuildReport, record: BuildRecord | None, machine: Machine) -> Finding:
    """Whether the tile instructions are there, used, and sound."""
    gcc = None if record is None else record.gcc_major
    is_unsound = gcc is not None and gcc < FIRST_GCC_WITH_SOUND_AMX
    newer = f"build with gcc {FIRST_GCC_WITH_SOUND_AMX} or newer: CC=gcc-13 CXX=g++-13 make setup"
    if _AMX in report.features:
        if is_unsound:
            seen = f"built in by gcc {gcc}, which miscompiles it (llama.cpp issue 20824)"
            return Finding("AMX", State.BROKEN, f"{seen}: quantised models crash", newer)
        return Finding("AMX", State.OK, "used")
    if _KERNEL_AMX not in machine.instructions:
        return Finding("AMX", State.OK, "this processor has none")
    if is_unsound:
        seen = f"off: gcc {gcc} miscompiles it (llama.cpp issue 20824); prompts are read slower"
        return Finding("AMX", State.SLOW, seen, newer)
    return Finding("AMX", State.SLOW, "the processor has it, the library was built without", _REBUILD)


def openmp(report: BuildReport, machine: Machine, environment: Mapping[str, str]) -> Finding:
    """Whether settings of OpenMP, which runs llama.cpp's threads, hold them back."""
    if "OPENMP" not in report.features:
        return Finding("OpenMP", State.OK, "not used: llama.cpp runs threads of its own")
    given = {name: value for name, value in environment.items() if name.startswith(("OMP_", "GOMP_", "KMP_"))}
    seen = ", ".join(f"{name}={value}" for name, value in sorted(given.items())) or "its own defaults"
    if given.get("GOMP_SPINCOUNT") == "0":
        advice = (
            "unset GOMP_SPINCOUNT unless others share the cores: threads that sleep between layers take "
            "about twice as long for a lone answer"
        )
        return Finding("OpenMP", State.SLOW, seen, advice)
    limit = given.get("OMP_THREAD_LIMIT", "")
    if limit.isdigit() and int(limit) < machine.core_count:
        return Finding("OpenMP", State.SLOW, seen, "unset OMP_THREAD_LIMIT: it leaves cores idle")
    return Finding("OpenMP", State.OK, seen)


def self_test(model: Path | None) -> Finding:
    """Whether two tokens of ``model`` can be computed, in a child, which may die; takes a second."""
    if model is None:
        advice = "name a GGUF file: upshift doctor --model FILE"
        return Finding("self-test", State.ABSENT, "no model at hand", advice)
    command = (sys.executable, "-m", "backends.llamacpp.selftest", str(model))
    try:
        ended = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, timeout=_SELF_TEST_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        seen = f"{model.name} computed nothing within {_SELF_TEST_TIMEOUT_S:.0f} s"
        return Finding("self-test", State.BROKEN, seen, _REBUILD)
    if ended.returncode < 0:
        return Finding(
            "self-test", State.BROKEN, f"died of signal {-ended.returncode} on {model.name}", _REBUILD
        )
    if ended.returncode > 0:
        why = ended.stderr.strip().splitlines()[-1:] or ["it does not say why"]
        return Finding("self-test", State.BROKEN, f"{model.name}: {why[0]}", "try another GGUF file")
    return Finding("self-test", State.OK, f"two tokens of {model.name} computed")


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "no special instructions"
