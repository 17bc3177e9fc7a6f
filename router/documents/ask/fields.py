"""The fields that a JSON Schema asks for, one by one, and how a written value becomes one that it allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from router.documents.ask.dates import read_date
from router.documents.verify.numbers import number
from router.errors import InvalidRequest, Violation

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Field:
    """One property of the schema; ``words`` are those of its name, in small letters.

    ``bare_of`` is a last word, such as ``number``, that was left out of them to look for the others.
    """

    name: str
    schema: Mapping[str, Any]
    words: tuple[str, ...]
    bare_of: str = ""

    @property
    def kind(self) -> str:
        """What a value of it is: ``number``, ``integer``, ``date``, ``boolean`` or ``string``."""
        named = self.schema.get("type", "string")
        named = next((one for one in named if one != "null"), "string") if isinstance(named, list) else named
        return "date" if named == "string" and self.schema.get("format") == "date" else str(named)

    @property
    def question(self) -> str:
        """What to look for, in words."""
        return " ".join(
            filter(None, (" ".join(self.words), self.schema.get("title"), self.schema.get("description")))
        )

    def accepts(self, value: Any) -> bool:
        """Whether the schema allows ``value``."""
        return bool(Draft202012Validator(dict(self.schema)).is_valid(value))

    def read(self, written: str) -> Any:
        """The value that ``written`` stands for; None where it is none that the schema allows."""
        value = _converted(self.kind, written.strip())
        return value if value is not None and self.accepts(value) else None


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The schema's properties. Raises InvalidRequest where it is not one of an object with some."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        said = "has no properties; fields are the properties of an object"
        raise InvalidRequest((Violation("schema", "SCHEMA_WITHOUT_FIELDS", said),))
    if len(properties) > _MOST_FIELDS:
        said = f"has {len(properties)} properties; at most {_MOST_FIELDS} are taken"
        raise InvalidRequest((Violation("schema", "SCHEMA_TOO_LARGE", said),))
    return tuple(
        Field(
            name, one if isinstance(one, dict) else {}, tuple(word.lower() for word in _WORDS.findall(name))
        )
        for name, one in properties.items()
    )


def _converted(kind: str, written: str) -> Any:
    if kind in ("number", "integer"):
        amount = number(written)
        if amount is None or (kind == "integer" and amount != int(amount)):
            return None
        return int(amount) if amount == int(amount) else float(amount)
    if kind == "date":
        found = read_date(written)
        return None if found is None else found.day.isoformat()
    if kind == "boolean":
        return {"yes": True, "true": True, "no": False, "false": False}.get(written.lower())
    return written or None
