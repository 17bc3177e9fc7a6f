"""What the installed llama.cpp was built with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.build_info import RECORD_PATH, BuildRecord, BuildReport, build_record, build_report

_WRITTEN = {
    "version": "0.3.36",
    "compiler": "cc (Debian 12.2.0-14) 12.2.0",
    "flags": "",
    "built_at": "2026-01-02",
}


def _written(prefix: Path, text: str) -> Path:
    path = prefix / RECORD_PATH
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return prefix


def test_library_tells_its_version_and_parts() -> None:
    """The installed library is asked in a child, and names itself and what it uses."""
    report = build_report()
    assert report.version.count(".") == 2
    assert report.features


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -ILL $$", "died of signal 4"),
        ("echo 'OSError: no libllama.so' >&2; exit 1", "cannot be loaded: OSError: no libllama.so"),
        ("exit 1", "cannot be loaded: it does not say why"),
    ],
)
def test_library_that_fails_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, said: str
) -> None:
    """Whatever becomes of the child, whoever asked lives and can say why."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(Unavailable, match=said):
        build_report()


def test_switched_off_parts_are_not_features() -> None:
    """A part that the library lists with 0 is not there."""
    report = BuildReport(version="1.2.3", system_info="CPU : AVX = 1 | AMX_INT8 = 0 | MATMUL_INT8 = 1 | ")
    assert report.features == {"AVX", "MATMUL_INT8"}


def test_record_is_read(tmp_path: Path) -> None:
    """What was written down at the build is found below the environment."""
    assert build_record(_written(tmp_path, json.dumps(_WRITTEN))) == BuildRecord(**_WRITTEN)


@pytest.mark.parametrize("text", ["", "{", '{"version": 1}', json.dumps(_WRITTEN | {"more": 1})])
def test_odd_record_counts_as_none(tmp_path: Path, text: str) -> None:
    """A record that cannot be trusted is as good as none."""
    assert build_record(_written(tmp_path, text)) is None


@pytest.mark.parametrize(
    ("compiler", "major"),
    [
        ("cc (Debian 12.2.0-14+deb12u1) 12.2.0", 12),
        ("gcc-13 (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0", 13),
        ("gcc (GCC) 14.2.1 20240912 (Red Hat 14.2.1-3)", 14),
        ("Debian clang version 14.0.6", None),
        ("Apple clang version 15.0.0 (clang-1500.3.9.4)", None),
    ],
)
def test_only_gcc_has_a_gcc_version(compiler: str, major: int | None) -> None:
    """The major version is gcc's own, not that of the distribution's package."""
    assert BuildRecord(**(_WRITTEN | {"compiler": compiler})).gcc_major == major
