"""From YAML nodes to a document: values, places, and references to the environment resolved.

Decides what is wrong with a file before anyone knows what it is about: a key twice, a variable
that is not set, too much of everything once aliases are followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from router.config.document import Document, is_secret
from router.config.environment import expand
from router.config.problems import ConfigError, Location, Position, Problem, key_path
from router.config.yaml_nodes import MERGE, STRING, NotReadableError, compose, scalar_value

# Once aliases are followed: a "billion laughs" is refused at this many values.
MAX_VALUE_COUNT = 20_000
MAX_DEPTH = 32
# Shorter ones are no secrets, and masking them would garble messages.
_SECRET_LENGTH = 4


def read_document(
    text: str, source: str, environment: Mapping[str, str], *, keep_unset: bool = False
) -> Document:
    """Parse ``text``; ``keep_unset`` leaves references to unset variables as they are written.

    Raises ConfigError where there is nothing to go on with; lesser problems are in the document.
    """
    reader = _Reader(source, environment, keep_unset)
    try:
        data = reader.value(compose(text), ())
    except NotReadableError as exc:
        raise ConfigError((Problem(source, _position(exc.mark), "", str(exc)),)) from exc
    return Document(
        source,
        data,
        reader.positions,
        reader.key_positions,
        reader.written,
        frozenset(reader.secrets),
        tuple(reader.problems),
    )


def _position(mark: yaml.Mark | None) -> Position:
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


class _Reader:
    """Turns nodes into values and remembers where they stood."""

    def __init__(self, source: str, environment: Mapping[str, str], keep_unset: bool) -> None:
        self._source = source
        self._environment = environment
        self._keep_unset = keep_unset
        self.positions: dict[Location, Position] = {}
        self.key_positions: dict[Location, Position] = {}
        self.written: dict[Location, str] = {}
        self.secrets: set[str] = set()
        self.problems: list[Problem] = []

    def value(self, node: yaml.Node, location: Location) -> Any:
        """Read the value of ``node``, which stands at ``location``."""
        self.positions[location] = _position(node.start_mark)
        if len(location) > MAX_DEPTH or len(self.positions) > MAX_VALUE_COUNT:
            limits = f"{MAX_VALUE_COUNT} values or {MAX_DEPTH} levels"
            raise NotReadableError(f"more than {limits} once aliases are followed", node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, location))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, location)
        return [self.value(child, (*location, index)) for index, child in enumerate(node.value)]

    def _items(self, mapping: yaml.MappingNode, location: Location) -> Iterator[tuple[str, Any]]:
        lines: dict[str, int] = {}
        for key_node, value_node in mapping.value:
            key, here = key_node.value, (*location, key_node.value)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == MERGE:
                self._complain(key_node, location, "a key must be plain text; merge keys (<<) are not read")
            elif key in lines:
                self._complain(key_node, here, f"stands here twice, first in line {lines[key]}; keep one")
            else:
                position = self.key_positions[here] = _position(key_node.start_mark)
                lines[key] = position.line
                yield key, self.value(value_node, here)

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        self.written[location] = node.value
        try:
            value = scalar_value(node)
        except UnicodeError:
            self._complain(node, location, "the text is not valid Unicode")
            return ""
        except ValueError as exc:
            self._complain(node, location, str(exc))
            return node.value
        return self._expanded(node, location) if node.tag == STRING else value

    def _expanded(self, node: yaml.ScalarNode, location: Location) -> str:
        expansion = expand(node.value, self._environment)
        hidden = (*expansion.values, expansion.text) if is_secret(location) else expansion.values
        self.secrets.update(secret for secret in hidden if len(secret) >= _SECRET_LENGTH)
        for name in () if self._keep_unset else expansion.unset:
            advice = f"set it, or write ${{{name}:-default}}"
            self._complain(node, location, f"the environment variable {name} is not set; {advice}")
        for reference in expansion.malformed:
            advice = "write ${NAME}, or $${ for a literal ${"
            self._complain(node, location, f"{reference!r} names no variable; {advice}")
        return expansion.text

    def _complain(self, node: yaml.Node, location: Location, message: str) -> None:
        self.problems.append(Problem(self._source, _position(node.start_mark), key_path(location), message))
