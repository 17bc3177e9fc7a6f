"""The part of a policy that names a rule and gives its options, wherever policies stand in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SkipValidation, model_validator

from router.config.section import Section

Options = SkipValidation[BaseModel]
"""A part's own options. ``load`` puts an instance of that part's ``Options`` model here."""


class NoOptions(Section):
    """Stands for options that the file does not give, until they are resolved."""


def fold(value: Any, name_key: str) -> Any:
    """Put every key but ``name_key`` under ``options``."""
    if not isinstance(value, dict):
        return value
    options = {key: option for key, option in value.items() if key != name_key}
    return {"options": options, **({name_key: value[name_key]} if name_key in value else {})}


def named_rule(objective: Mapping[str, Any]) -> Any:
    """Return the rule that an objective asks for; one that bounds its loss needs not name `certified`."""
    return objective.get("rule", "certified" if "max_loss" in objective else None)


class ObjectiveConfig(Section):
    """The rule that decides between tiers; every further key is an option of that rule.

    Where `max_loss` stands and no rule, the rule is `certified`.
    """

    rule: str
    """Name of a decision rule."""
    options: Options = NoOptions()
    """The rule's own options; in the file they stand beside `rule`."""

    @model_validator(mode="before")
    @classmethod
    def _fold_options(cls, value: Any) -> Any:
        rule = named_rule(value) if isinstance(value, dict) else None
        return fold(value if rule is None else {**value, "rule": rule}, "rule")
