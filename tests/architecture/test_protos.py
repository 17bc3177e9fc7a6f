"""The committed stubs are what the protos generate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROTOS = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))


def test_stubs_match_the_protos(tmp_path: Path) -> None:
    """Generating the stubs anew changes nothing."""
    binaries = Path(sys.executable).parent
    if not (binaries / "protoc-gen-mypy").exists():
        pytest.skip("mypy-protobuf is not installed beside this Python")
    plugins = [f"--plugin=protoc-gen-{name}={binaries}/protoc-gen-{name}" for name in ("mypy", "mypy_grpc")]
    outputs = [f"--{name}_out={tmp_path}" for name in ("python", "grpc_python", "mypy", "mypy_grpc")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}", *plugins, *outputs, *PROTOS]
    subprocess.run(command, check=True, capture_output=True)
    for generated in tmp_path.rglob("*.py*"):
        committed = ROOT / "protos" / generated.relative_to(tmp_path)
        assert committed.read_text() == generated.read_text(), f"{committed} is stale: run `make protos`"
