"""Which YAML is understood: one document of YAML 1.2's core schema, so big and no bigger.

``no`` is text and ``1e-3`` a number, unlike in YAML 1.1; there are no tags, infinities or NaN.
Knows syntax only; what a file may say is for ``model.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

# A configuration of a hundred tiers is 40 KB; pure-Python parsing takes about 1 s a megabyte.
MAX_BYTE_COUNT = 262_144

TAG = "tag:yaml.org,2002:"
STRING = TAG + "str"
MERGE = TAG + "merge"

_PATTERNS = {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "null": r"~|null|Null|NULL|",
    "int": r"[-+]?[0-9]{1,18}",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
    "merge": r"<<",
}
_VALUES: dict[str, Callable[[str], Any]] = {
    TAG + "bool": lambda text: text.lower() == "true",
    TAG + "null": lambda _: None,
    TAG + "int": int,
    TAG + "float": float,
}


class _CoreLoader(yaml.SafeLoader):
    """Resolves plain scalars by the core schema; it composes nodes and never builds objects."""


_CoreLoader.yaml_implicit_resolvers = {}
for _name, _pattern in _PATTERNS.items():
    _CoreLoader.add_implicit_resolver(TAG + _name, re.compile(rf"^(?:{_pattern})$"), None)


class NotReadableError(Exception):
    """The text is no YAML that can be gone on with; ``mark`` says where, None if as a whole."""

    def __init__(self, message: str, mark: yaml.Mark | None = None) -> None:
        super().__init__(message)
        self.mark = mark


def compose(text: str) -> yaml.Node:
    """Parse ``text`` into a graph of nodes, aliases shared. Raises NotReadableError."""
    if (byte_count := len(text.encode(errors="replace"))) > MAX_BYTE_COUNT:
        raise NotReadableError(f"the file has {byte_count} bytes; at most {MAX_BYTE_COUNT} are read")
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_CoreLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        what = ", ".join(filter(None, (exc.context, exc.problem)))
        raise NotReadableError(f"not valid YAML: {what}{_advice(text, mark)}", mark) from exc
    except RecursionError as exc:
        raise NotReadableError("the file is too deeply nested") from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise NotReadableError(f"not valid YAML: {' '.join(str(exc).split())}") from exc
    if node is None:
        raise NotReadableError("the file is empty; `upshift init` writes one to start from")
    return node


def _advice(text: str, mark: yaml.Mark | None) -> str:
    line = "" if mark is None else text.splitlines()[mark.line : mark.line + 1]
    return "; between [ ] or { } a ${NAME} must be quoted" if any("${" in part for part in line) else ""


def scalar_value(node: yaml.ScalarNode) -> Any:
    """Read the value of a scalar. Raises ValueError where it has none that is allowed."""
    if node.tag == STRING:
        node.value.encode()
        return node.value
    if node.tag not in _VALUES:
        raise ValueError(f"the YAML tag {node.tag!r} is not read; remove it")
    value = _VALUES[node.tag](node.value)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{node.value} is too large a number")
    return value
