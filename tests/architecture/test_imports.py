"""The one direction of imports: router -> policies -> backends, and no cycle."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "backends": {"backends"},
    "policies": {"policies", "backends.types", "backends.tools", "backends.base"},
    "router": {"router", "policies", "backends", "upshift"},
}
# The one adapter whose API is our own speaks it by the generated stubs, which import nothing of ours.
STUBS = {
    "backends.upshift_node",
    "backends.upshift_node_answer",
    "backends.upshift_node_tools",
    "backends.upshift_node_wire",
}
OURS = ("router", "policies", "backends", "upshift", "examples", "tests")
HEAVY = ("torch", "transformers", "llama_cpp", "httpx", "aiohttp", "sklearn", "matplotlib", "huggingface_hub")


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def _is_within(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_down(package: str) -> None:
    """A room imports only itself and the rooms below it."""
    for module, path in _modules(package):
        ours = [name for name in _imports(path) if name.split(".")[0] in OURS]
        allowed = ALLOWED[package] | ({"upshift"} if module in STUBS else set())
        wrong = [name for name in ours if not _is_within(name, allowed)]
        assert not wrong, f"{module} imports upwards: {wrong}"


def test_no_import_cycle() -> None:
    """No module reaches itself through imports, not even those inside functions."""
    modules = {name: path for package in ALLOWED for name, path in _modules(package)}
    arrows = {
        name: {target for target in _targets(path, modules) if target != name}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "cycle: " + " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in arrows[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in modules:
        visit(name, ())


def _targets(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                target = full if full in modules else node.module
                if target in modules:
                    yield target


@pytest.mark.parametrize("package", ["router", "policies", "backends"])
def test_importing_a_package_loads_no_model_library(package: str) -> None:
    """`import router` costs no model library, no HTTP client and no scikit-learn."""
    code = f"import sys, {package}; print(*(m for m in {HEAVY} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_serving_core_loads_no_model_library() -> None:
    """The core and the gRPC service import without torch, llama.cpp, httpx or scikit-learn."""
    code = f"import sys, router.core, router.rpc.server; print(*(m for m in {HEAVY} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
