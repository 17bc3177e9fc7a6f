"""The JSON Schema that editors use, and the examples that it describes."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from router.config import config_schema, load
from router.config.schema import SCHEMA_PATH, schema_text

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


def test_committed_schema_is_current() -> None:
    """The file beside the code is what the code says; `python -m router.config` writes it."""
    assert SCHEMA_PATH.read_text(encoding="utf-8") == schema_text()


def test_schema_is_a_schema() -> None:
    """The schema holds by its own rules."""
    jsonschema.Draft202012Validator.check_schema(config_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_load(path: Path) -> None:
    """Every example is right, whatever the environment."""
    assert load(path, allow_unset_env=True).version == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_satisfy_the_schema(path: Path) -> None:
    """What loads also pleases an editor."""
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), config_schema())


def test_schema_knows_a_bound_on_loss_without_a_rule() -> None:
    """The editor takes what load takes, and checks its options."""
    right = yaml.safe_load((EXAMPLES[0].parent / "echo.yaml").read_text(encoding="utf-8"))
    right["policies"][0]["objective"] = {"max_loss": 0.02, "confidence": 0.95}
    jsonschema.validate(right, config_schema())
    right["policies"][0]["objective"] = {"max_loss": 0.02, "sure": 0.95}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(right, config_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"sever": {}},
        {"tiers": [{"name": "a", "backend": "echo", "options": {"replyy": 1}}]},
        {"policies": [{"name": "a", "ladder": ["a"], "objective": {"rule": "threshold", "min": 1}}]},
        {"difficulty": {"estimator": "heuristic", "options": {"strength": {}}}},
    ],
)
def test_schema_refuses_what_load_refuses(change: dict[str, object]) -> None:
    """Unknown keys are red in the editor too, options included."""
    right = yaml.safe_load((EXAMPLES[0].parent / "echo.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(right, config_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(right | change, config_schema())
