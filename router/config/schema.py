"""The JSON Schema of the configuration, for editors.

``python -m router.config`` writes it beside this file. It knows the options of every part
of this tree; the options of parts from elsewhere are left open.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from backends.registry import BACKENDS
from policies.registry import DIFFICULTY, POLICIES, PROBES
from router.config.model import Config
from router.config.options import BACKEND, ESTIMATOR, POLICY, PROBE

SCHEMA_PATH = Path(__file__).with_name("upshift.schema.json")
_REFERENCE = "#/$defs/{model}"
_Json = dict[str, Any]


def config_schema() -> _Json:
    """Build the schema (draft 2020-12); imports every adapter of this tree."""
    parts = {
        BACKEND: {name: BACKEND.options_model(name) for name in sorted(BACKENDS)},
        POLICY: {name: POLICY.options_model(name) for name in sorted(POLICIES.builtin)},
        ESTIMATOR: {name: ESTIMATOR.options_model(name) for name in sorted(DIFFICULTY.builtin)},
        PROBE: {name: PROBE.options_model(name) for name in sorted(PROBES.builtin)},
    }
    models = _flat(Config, parts.values())
    _, schema = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE, title="Upshift configuration"
    )
    definitions: _Json = schema["$defs"]
    _nest(definitions["TierConfig"], "backend", parts[BACKEND])
    _nest(definitions["DifficultyConfig"], "estimator", parts[ESTIMATOR])
    _flatten(definitions, "ObjectiveConfig", "rule", parts[POLICY])
    _flatten(definitions, "ProbeConfig", "probe", parts[PROBE])
    _let_a_bound_stand_for_its_rule(definitions["ObjectiveConfig"], tuple(parts[POLICY]).index("certified"))
    _allow_references(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, **definitions.pop("Config")}


def _flat(first: type[BaseModel], groups: Iterable[Mapping[str, type[BaseModel]]]) -> list[type[BaseModel]]:
    return [first, *(model for group in groups for model in group.values())]


def _nest(section: _Json, name_key: str, models: dict[str, type[BaseModel]]) -> None:
    """Let ``options`` be what the part that ``name_key`` names takes."""
    section["properties"]["options"] = {"type": "object", "description": "The part's own options."}
    _suggest_names(section, name_key, models)
    section["allOf"] = [_when(name_key, name, _with_options(model)) for name, model in models.items()]


def _with_options(model: type[BaseModel]) -> _Json:
    needs_some = any(field.is_required() for field in model.model_fields.values())
    then: _Json = {"properties": {"options": {"$ref": _reference(model)}}}
    return then | {"required": ["options"]} if needs_some else then


def _flatten(
    definitions: _Json, section_name: str, name_key: str, models: dict[str, type[BaseModel]]
) -> None:
    """Let a part's options stand beside the key that names it."""
    section = definitions[section_name]
    del section["properties"]["options"], section["additionalProperties"]
    _suggest_names(section, name_key, models)
    branches = []
    for name, model in models.items():
        options = definitions.pop(model.__name__)
        options["properties"][name_key] = {"const": name}
        branches.append(_when(name_key, name, options))
    section["allOf"] = branches


def _let_a_bound_stand_for_its_rule(section: _Json, place: int) -> None:
    """Let `max_loss` without a rule mean `certified`, whose branch is at ``place``."""
    certified = section["allOf"][place]
    certified["if"] = {"anyOf": [certified["if"], {"not": {"required": ["rule"]}}]}
    section["anyOf"] = [{"required": [key]} for key in ("rule", "max_loss")]
    del section["required"]


def _allow_references(value: Any) -> None:
    """Let text with a reference to the environment pass every pattern."""
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(child, dict) and isinstance(child.get("pattern"), str):
            child["pattern"] += r"|\$\{"
        _allow_references(child)


def _suggest_names(section: _Json, name_key: str, models: dict[str, type[BaseModel]]) -> None:
    named = section["properties"][name_key]
    del named["type"]
    named["anyOf"] = [{"enum": list(models)}, {"type": "string"}]


def _when(key: str, name: str, then: _Json) -> _Json:
    return {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then}


def _reference(model: type[BaseModel]) -> str:
    return _REFERENCE.format(model=model.__name__)


def schema_text() -> str:
    """Write the schema as the committed file holds it."""
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"
