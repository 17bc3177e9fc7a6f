"""Options of parts: which model checks them, and where in the file they stand.

Decides where names of backends, policies and estimators are looked up; a part's module is
imported only when the file names it. Refuses to know any part's options.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from backends.registry import BackendNotInstalled, backend_class, backend_names
from policies.registry import DIFFICULTY, POLICIES, PROBES
from router.config.document import Document
from router.config.explain import problems_of, suggestion
from router.config.model import DifficultyConfig
from router.config.objective import named_rule
from router.config.problems import Location, Problem


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of part: how its classes are found, and what their names are."""

    noun: str
    load: Callable[[str], type]
    names: Callable[[], tuple[str, ...]]

    def options_model(self, name: str) -> type[BaseModel]:
        """Load the strict pydantic model of the options that ``name`` takes."""
        options: type[BaseModel] = self.load(name).Options  # type: ignore[attr-defined]
        return options


PATH = {"format": "path"}
BACKEND = Part("backend", backend_class, backend_names)
POLICY = Part("rule", POLICIES.load, POLICIES.names)
ESTIMATOR = Part("estimator", DIFFICULTY.load, DIFFICULTY.names)
PROBE = Part("probe", PROBES.load, PROBES.names)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file names a part and gives its options; ``options`` is the raw mapping."""

    part: Part
    name: str
    name_at: Location
    options: Mapping[str, Any]
    options_at: Location


def places(data: Any) -> Iterator[Place]:
    """Every place where ``data``, which may still be wrong in other ways, names a part."""
    for at, item in _items(data, "tiers"):
        yield from _place(BACKEND, item, "backend", at, "options")
    for at, item in _items(data, "policies"):
        yield from _rule(item, at)
    if isinstance(data, dict):
        for at, item in _items(data.get("documents"), "policies"):
            yield from _rule(item, ("documents", *at))
        difficulty = data.get("difficulty", {})
        if isinstance(difficulty, dict):
            difficulty = {"estimator": DifficultyConfig().estimator, **difficulty}
        yield from _place(ESTIMATOR, difficulty, "estimator", ("difficulty",), "options")
        for at, item in _items(data.get("confidence"), "probes"):
            yield from _place(PROBE, item, "probe", ("confidence", *at), None)


def _rule(policy: dict[str, Any], at: Location) -> Iterator[Place]:
    objective = policy.get("objective")
    if isinstance(objective, dict):
        objective = {**objective, "rule": named_rule(objective)}
    yield from _place(POLICY, objective, "rule", (*at, "objective"), None)


def _items(data: Any, key: str) -> Iterator[tuple[Location, dict[str, Any]]]:
    items = data.get(key) if isinstance(data, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (key, index), item


def _place(part: Part, item: Any, name_key: str, at: Location, options_key: str | None) -> Iterator[Place]:
    name = item.get(name_key) if isinstance(item, dict) else None
    if not isinstance(name, str):
        return
    if options_key is None:
        yield Place(part, name, (*at, name_key), {k: v for k, v in item.items() if k != name_key}, at)
    elif isinstance(options := item.get(options_key, {}), dict):
        yield Place(part, name, (*at, name_key), options, (*at, options_key))


@dataclass(frozen=True, slots=True)
class Resolved:
    """Checked options by where they stand, and what is wrong with the others."""

    options: Mapping[Location, BaseModel]
    problems: tuple[Problem, ...]


def resolve(document: Document, directory: Path) -> Resolved:
    """Check all options of ``document``; their relative paths start at ``directory``."""
    options: dict[Location, BaseModel] = {}
    problems: list[Problem] = []
    for place in places(document.data):
        model = _model(place, document, problems)
        if model is None:
            continue
        try:
            checked = model.model_validate_json(json.dumps(place.options), strict=True)
        except ValidationError as exc:
            problems += problems_of(exc, document, model, place.options_at)
        else:
            options[place.options_at] = with_absolute_paths(checked, directory)
    return Resolved(options, tuple(problems))


def _model(place: Place, document: Document, problems: list[Problem]) -> type[BaseModel] | None:
    try:
        return place.part.options_model(place.name)
    except BackendNotInstalled as exc:
        message = str(exc)
    except LookupError:
        message = f"no {place.part.noun} is called {place.name!r}{suggestion(place.name, place.part.names())}"
    problems.append(document.problem(place.name_at, message))
    return None


def with_absolute_paths(model: BaseModel, directory: Path) -> BaseModel:
    """``model`` with relative paths moved below ``directory``.

    A field says by ``json_schema_extra={"format": "path"}`` that it holds one. Where it may hold
    another name too, such as a model's on a hub, it is a path if it starts like one or exists.
    """
    moved = {
        name: str(directory / Path(value).expanduser())
        for name, field in type(model).model_fields.items()
        if field.json_schema_extra == PATH and _is_path(value := getattr(model, name), directory)
    }
    return model.model_copy(update=moved)


def _is_path(value: object, directory: Path) -> bool:
    if not isinstance(value, str) or "://" in value:
        return False
    return value.startswith(("./", "../", "~", "/")) or (directory / value).exists()
