"""A configuration as it may be shown: every secret that is written out in it masked, all else as it stands.

Decides what a secret is: by its key, by the type that its part gives it, or as credentials in an address. A
reference such as ``${NAME}`` is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from pydantic import BaseModel, SecretStr

from router.config.document import is_secret
from router.config.problems import Location, key_path
from router.config.yaml_nodes import compose
from router.errors import InvalidRequest, Violation
from router.live.config_file import Written

MASK = "***"
_A_FILE = ("server", "tls", "private_key")
_REFERENCE = re.compile(r"\$\{\w+\}")
_URL_CREDENTIALS = re.compile(r"(?<=//)[^/@\s\"']+(?=@)")
_MASKED = re.compile(r"^\*\*\*$|//\*\*\*@")
_COMMENTED = re.compile(
    r"(#[^\n]*?(?:key|token|secret|password|authorization|credentials?)[\"']?\s*[:=]\s*)(?!\s*\$\{\w+\})[^\s#][^\n]*",
    re.IGNORECASE,
)


def redacted(written: Written) -> str:
    """Return the text with every secret masked."""
    text = written.text
    values = set(_secret_values(written.config))
    spans = [
        (node.start_mark.index, node.end_mark.index)
        for location, node in _scalars(compose(text), ())
        if node.value and _is_hidden(location, node.value, values)
    ]
    for start, end in sorted(set(spans), reverse=True):
        text = f'{text[:start]}"{MASK}"{text[end:]}'
    return _COMMENTED.sub(rf"\g<1>{MASK}", _URL_CREDENTIALS.sub(MASK, text))


def check_nothing_is_redacted(text: str) -> None:
    """Raise InvalidRequest where ``text``, which was parsed, has a mask in place of a secret.

    The secret would be lost. Parsing bounds what aliases make of a text.
    """
    masked = [location for location, node in _scalars(compose(text), ()) if _MASKED.search(node.value)]
    if masked:
        said = f"has {MASK} in place of a secret; write a reference such as ${{NAME}}, or name a file"
        violations = (Violation(key_path(location), "SECRET_REDACTED", said) for location in masked)
        raise InvalidRequest(tuple(violations))


def _is_hidden(location: Location, value: str, values: set[str]) -> bool:
    if _REFERENCE.fullmatch(value):
        return False
    is_named_so = is_secret(location) and location != _A_FILE
    return is_named_so or "headers" in location or value in values


def _scalars(node: yaml.Node, location: Location) -> Iterator[tuple[Location, yaml.ScalarNode]]:
    if isinstance(node, yaml.ScalarNode):
        yield location, node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*location, str(key.value)))
    else:
        for index, child in enumerate(node.value):
            yield from _scalars(child, (*location, index))


def _secret_values(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_values(getattr(value, name))
    elif isinstance(value, dict | list | tuple):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _secret_values(child)
