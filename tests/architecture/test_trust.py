"""Files from strangers are data: nothing that reads one could run what is in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("router", "policies", "backends")
# Modules whose readers run code that a file names.
_RUNS_CODE = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
_CALLS = {"eval", "exec", "torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_nothing_is_unpickled() -> None:
    """No package imports what could, and nothing is evaluated."""
    for path, tree in trees():
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not {name.split(".")[0] for name in names} & _RUNS_CODE, path
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in _CALLS, f"{path}:{node.lineno}"


def test_arrays_and_checkpoints_are_read_as_data() -> None:
    """NumPy is never allowed pickles, and transformers never code from a folder, and safetensors only."""
    loading = 0
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert given.get("allow_pickle", "False") == "False", f"{path}:{node.lineno}"
            assert given.get("trust_remote_code", "False") == "False", f"{path}:{node.lineno}"
            if ast.unparse(node.func).endswith("from_pretrained"):
                loading += 1
                assert given.get("trust_remote_code") == "False", f"{path}:{node.lineno}"
                if "Model" in ast.unparse(node.func):
                    assert given.get("use_safetensors") == "True", f"{path}:{node.lineno}"
    assert loading, "no checkpoint is loaded anywhere; this test looks in the wrong place"
