"""From pydantic's findings to problems that a person can act on.

Decides the words. Refuses to know which model was checked, beyond the keys that it allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.config.document import Document
from router.config.problems import Location, Problem

_REQUIREMENTS: dict[str, str] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text (quote it if it looks like a number)",
    "path_type": "must be a path",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "items must number at least {min_length}",
    "too_long": "items must number at most {max_length}",
}


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel], at: Location = ()
) -> Iterator[Problem]:
    """Say what pydantic found when it checked the value at ``at`` against ``model``."""
    for detail in error.errors(include_url=False):
        if _is_consequence(detail):
            continue
        inner = _inside(document, at, detail)
        location = (*at, *inner)
        at_key = detail["type"] == "extra_forbidden"
        yield document.problem(location, _message(detail, document, model, location, inner), at_key=at_key)


def _is_consequence(detail: ErrorDetails) -> bool:
    """Whether a list is only called too short because its items were found wrong."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _inside(document: Document, at: Location, detail: ErrorDetails) -> Location:
    """Where ``detail`` is, without parts that name no place in the file, such as a union's branch."""
    found: Location = ()
    for part in detail["loc"]:
        if (*at, *found, part) in document.positions:
            found = (*found, part)
    return (*found, detail["loc"][-1]) if detail["type"] == "missing" else found


def _message(
    detail: ErrorDetails, document: Document, model: type[BaseModel], location: Location, inner: Location
) -> str:
    kind = detail["type"]
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return f"unknown key{suggestion(str(inner[-1]), keys_at(model, inner[:-1]))}"
    if kind in {"value_error", "assertion_error"}:
        return detail["msg"].partition(", ")[2]
    context = detail.get("ctx", {})
    requirement = _REQUIREMENTS.get(kind)
    said = requirement.format(**context) if requirement else detail["msg"][0].lower() + detail["msg"][1:]
    if kind in {"too_short", "too_long"}:
        return f"{said}, not {len(detail['input'])}"
    return f"{said}, not {document.seen(location, detail['input'])}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Say what to write instead of ``word``: the nearest of ``known``, and all of them."""
    names = sorted(set(known))
    near = get_close_matches(word, names, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ";"
    return f"{meant} allowed: {', '.join(names) or 'none'}"


def keys_at(model: type[BaseModel], location: Location) -> tuple[str, ...]:
    """Keys that ``model`` allows at ``location``; empty where it does not say."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, str) and current is not None:
            field = current.model_fields.get(part)
            current = None if field is None else _model_in(field.annotation)
    return () if current is None else tuple(f.alias or name for name, f in current.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
