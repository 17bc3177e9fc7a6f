"""What is thought of the installed llama.cpp."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backends.llamacpp.build_info import BuildRecord, BuildReport
from router.doctor import llama
from router.doctor.finding import State
from tests.router.doctor.test_hardware import QUIET

_PLAIN = BuildReport(version="0.3.36", system_info="CPU : AVX2 = 1 | FMA = 1 | OPENMP = 1 | ")
_AMX = BuildReport(version="0.3.36", system_info="CPU : AVX2 = 1 | FMA = 1 | AMX_INT8 = 1 | ")
_WITH_AMX = replace(QUIET, instructions=QUIET.instructions | {"amx_int8"})


def _built_by(compiler: str) -> BuildRecord:
    return BuildRecord(version="0.3.36", compiler=compiler, flags="", built_at="2026-01-02")


_GCC_12, _GCC_13 = _built_by("gcc (Debian) 12.2.0"), _built_by("gcc (Debian) 13.1.0")


def test_all_instructions_used_is_well() -> None:
    """What the processor has for llama.cpp is in the build."""
    assert llama.instructions(_PLAIN, QUIET).state is State.OK


def test_idle_instructions_are_slow() -> None:
    """A build for an older processor leaves speed behind, and the finding names what."""
    found = llama.instructions(_PLAIN, replace(QUIET, instructions=QUIET.instructions | {"avx512f"}))
    assert (found.state, "the processor has AVX512 too" in found.seen) == (State.SLOW, True)


def test_foreign_instructions_are_broken() -> None:
    """A build for another processor dies sooner or later."""
    found = llama.instructions(_PLAIN, replace(QUIET, instructions=frozenset({"avx2"})))
    assert (found.state, found.seen.endswith("lacks FMA")) == (State.BROKEN, True)


def test_unknown_processor_is_not_judged() -> None:
    """Without the kernel's list nothing is claimed."""
    assert llama.instructions(_PLAIN, replace(QUIET, instructions=frozenset())).state is State.OK


@pytest.mark.parametrize(
    ("report", "record", "has_amx", "state"),
    [
        (_PLAIN, _GCC_12, False, State.OK),  # the processor has none
        (_PLAIN, _GCC_12, True, State.SLOW),  # left out, for good reason
        (_PLAIN, _GCC_13, True, State.SLOW),  # left out without reason
        (_PLAIN, None, True, State.SLOW),
        (_AMX, _GCC_12, True, State.BROKEN),  # miscompiled
        (_AMX, _GCC_13, True, State.OK),
        (_AMX, None, True, State.OK),  # the self-test will tell
    ],
)
def test_amx(report: BuildReport, record: BuildRecord | None, has_amx: bool, state: State) -> None:
    """Tile instructions are only sound when a compiler that knows them built the library."""
    found = llama.amx(report, record, _WITH_AMX if has_amx else QUIET)
    assert found.state is state
    assert (found.advice is None) == (state is State.OK)


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        ({}, State.OK),
        ({"OMP_NUM_THREADS": "2"}, State.OK),  # llama.cpp names its own number
        ({"OMP_WAIT_POLICY": "PASSIVE"}, State.OK),  # workers say themselves how long they spin
        ({"GOMP_SPINCOUNT": "0"}, State.SLOW),
        ({"OMP_THREAD_LIMIT": "1"}, State.SLOW),
    ],
)
def test_openmp_settings(environment: dict[str, str], state: State) -> None:
    """Settings that hold threads back are found, and all are shown."""
    found = llama.openmp(_PLAIN, QUIET, environment)
    assert found.state is state
    assert all(f"{name}={value}" in found.seen for name, value in environment.items())


def test_build_says_what_was_written_down() -> None:
    """Version, compiler and date are told."""
    assert "built 2026-01-02 by gcc (Debian) 12.2.0" in llama.build(_PLAIN, _GCC_12).seen


def test_other_version_than_was_built_is_told() -> None:
    """A wheel that something else put in the place of ours has none of our flags."""
    assert llama.build(_PLAIN.model_copy(update={"version": "0.3.40"}), _GCC_12).state is State.SLOW


def test_self_test_computes(tiny_gguf: Path) -> None:
    """A sound model and library pass."""
    assert llama.self_test(tiny_gguf).state is State.OK


def test_self_test_of_a_broken_file(tmp_path: Path) -> None:
    """What is no model is told as broken, not as a crash of ours."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(64))
    assert llama.self_test(path).state is State.BROKEN


def test_self_test_without_a_model_is_absent() -> None:
    """Nothing to compute is not a fault; the advice says how to name one."""
    found = llama.self_test(None)
    assert (found.state, "--model" in str(found.advice)) == (State.ABSENT, True)
