"""One hash over the code that decides: any change to what it does withdraws a certificate.

Takes the modules of ``policies`` that serving imports, found by following imports, without comments and
docstrings. Refuses to judge whether a change matters.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from policies.registry import DIFFICULTY, SIGNALS

_ROOTS = (
    "policies.certified",
    "policies.features",
    "policies.learnt",
    "policies.uncalibrated",
    "router.assess",
    "router.seen",
)


def code_fingerprint() -> str:
    """SHA-256, in hexadecimal, of the decision's code; about 0.2 s the first time."""
    return _fingerprint((*_ROOTS, *_registered()))


def signals_fingerprint() -> str:
    """SHA-256, in hexadecimal, of the code that measures answers."""
    return _fingerprint(tuple(target.partition(":")[0] for target in SIGNALS.builtin.values()))


def _registered() -> Iterator[str]:
    for registry in (DIFFICULTY, SIGNALS):
        yield from (target.partition(":")[0] for target in registry.builtin.values())


@cache
def _fingerprint(roots: tuple[str, ...]) -> str:
    seen: dict[str, str] = {}
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in seen and (path := _source(module)) is not None:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            waiting += [name for name in _imports(tree) if name.startswith("policies.")]
            seen[module] = ast.unparse(_without_docstrings(tree))
    return sha256("\0".join(f"{module}\0{seen[module]}" for module in sorted(seen)).encode()).hexdigest()


def _source(module: str) -> Path | None:
    """The file of ``module``; None where the name is that of something inside one."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def _imports(tree: ast.Module) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [item for item in body if not _is_text(item)]
            node.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
