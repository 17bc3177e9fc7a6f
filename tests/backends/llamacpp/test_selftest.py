"""Whether this build of llama.cpp survives its fast instructions: a child finds out, and may die of them."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from backends.llamacpp import selftest
from backends.llamacpp.selftest import SelfTest, may_use_extra_buffers, self_test


@pytest.fixture
def amx(tmp_path: Path) -> Path:
    """What the system says of a processor with AMX."""
    path = tmp_path / "cpuinfo"
    path.write_text("flags : avx2 amx_int8\n")
    return path


def child(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


def test_only_processors_with_amx_are_tested(tmp_path: Path) -> None:
    """Elsewhere no child is started."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : avx2\n")
    assert self_test(Path("m"), cpuinfo=cpuinfo, command=("/does/not/exist",)) is SelfTest.NOT_NEEDED


def test_a_child_that_dies_by_a_signal_means_no_extra_buffers(
    amx: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The crash is survived, and the log says what it costs."""
    with caplog.at_level(logging.WARNING):
        assert not may_use_extra_buffers(Path("m"), cpuinfo=amx, command=child("import os; os.abort()"))
    assert "died in AMX instructions" in caplog.text


def test_a_child_that_hangs_means_none_either(amx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for for ever."""
    monkeypatch.setattr(selftest, "_TIMEOUT_S", 0.1)
    result = self_test(Path("m"), cpuinfo=amx, command=child("import time; time.sleep(60)"))
    assert result is SelfTest.HUNG
    assert not result.allows_extra_buffers


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "import os; os.kill(os.getpid(), 9)"])
def test_a_file_that_cannot_be_loaded_says_nothing_of_the_processor(amx: Path, code: str) -> None:
    """Nor does a child that the system had no memory for; the load itself will tell."""
    result = self_test(Path("m"), cpuinfo=amx, command=child(code))
    assert result is SelfTest.FAILED
    assert result.allows_extra_buffers


def test_a_child_that_lives_means_extra_buffers(amx: Path, tiny_gguf: Path) -> None:
    """The self-test loads the model and computes, in a process of its own."""
    assert self_test(tiny_gguf, cpuinfo=amx) is SelfTest.PASSED
