"""Signals: what an answer tells of itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import (
    FinishReason,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    ResponseFormat,
    Role,
    TokenLogprob,
)
from policies.signals.base import Answer, failed_validation, measure_all
from policies.signals.little_mass import LittleMass
from policies.signals.logprobs import Logprobs
from policies.signals.shape import Shape
from policies.signals.validators import JsonSchemaValid, RegexValid

SCHEMA = JsonSchemaFormat({"type": "object", "required": ["sum"], "properties": {"sum": {"type": "integer"}}})


def answer(text: str, wanted: ResponseFormat | None = None, *tokens: TokenLogprob) -> Answer:
    return Answer(Prompt((Message(Role.USER, "?"),), response_format=wanted), text, tokens=tokens)


def logprobs(*values: float) -> dict[str, float]:
    return dict(Logprobs().measure(answer("x", None, *(TokenLogprob("x", value) for value in values))))


def test_levels_of_the_log_probabilities() -> None:
    """Quantiles interpolate linearly; the worst window is the lowest mean of four in a row."""
    measured = logprobs(-1.0, -2.0, -3.0, -4.0, -10.0)
    assert measured["logprob_q50"] == -3.0
    assert measured["logprob_q25"] == -4.0
    assert measured["logprob_q05"] == pytest.approx(-8.8)
    assert measured["logprob_min"] == -10.0
    assert measured["logprob_sum"] == -20.0
    assert measured["logprob_mean"] == -4.0
    assert measured["logprob_worst_window"] == pytest.approx(-4.75)
    assert measured["logprob_token_count"] == 5.0


def test_margin_and_entropy_come_from_the_tokens_that_have_them() -> None:
    """A token without them is left out, and without any so are the measures."""
    tokens = (TokenLogprob("a", -0.5, -1.5, 0.2), TokenLogprob("b", -2.0, -1.0, 0.6), TokenLogprob("c", -1.0))
    measured = Logprobs().measure(answer("abc", None, *tokens))
    assert (measured["margin_min"], measured["margin_mean"]) == (-1.0, 0.0)
    assert measured["entropy_max"] == 0.6
    assert measured["entropy_mean"] == pytest.approx(0.4)
    assert not {"margin_min", "entropy_max"} & logprobs(-1.0).keys()


@given(st.lists(st.floats(), min_size=1, max_size=30))
def test_odd_log_probabilities_give_finite_values(values: list[float]) -> None:
    """Minus infinity, NaN and positive values are cut, not passed on."""
    tokens = [TokenLogprob("x", value, value, value) for value in values]
    assert all(map(math.isfinite, Logprobs().measure(answer("x", None, *tokens)).values()))


def test_without_log_probabilities_nothing_is_measured() -> None:
    """Absence is absence."""
    assert Logprobs().measure(answer("hello")) == {}


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('{"sum": 3}', 1.0),
        (' {"sum": 3, "more": []}\n', 1.0),
        ('{"sum": "3"}', 0.0),
        ("{}", 0.0),
        ('{"sum": 3', 0.0),
        ("", 0.0),
        ('{"sum": NaN}', 0.0),
        ("[" * 100_000, 0.0),
    ],
)
def test_json_is_checked_against_its_schema(text: str, valid: float) -> None:
    """One JSON value and nothing else, and the schema accepts it."""
    assert JsonSchemaValid().measure(answer(text, SCHEMA)) == {"json_schema_valid": valid}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#"},
        {"pattern": "("},
        {"const": 5, "$ref": "#/const"},
        {"default": {"type": "nonsense"}, "$ref": "#/default"},
        {"default": {"minLength": "x"}, "$ref": "#/default"},
        {"properties": {"x": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
    ],
)
def test_a_schema_that_cannot_be_applied_proves_nothing(schema: dict[str, object]) -> None:
    """Broken, remote and endless schemas are left unmeasured; nothing is fetched."""
    assert JsonSchemaValid().measure(answer('"x"', JsonSchemaFormat(schema))) == {}


@pytest.mark.parametrize(("text", "valid"), [("2024-05-01", 1.0), ("on 2024-05-01", 0.0), ("", 0.0)])
def test_a_pattern_must_match_the_whole_answer(text: str, valid: float) -> None:
    """A match inside is not enough."""
    wanted = RegexFormat(r"\d{4}-\d{2}-\d{2}")
    assert RegexValid().measure(answer(text, wanted)) == {"regex_valid": valid}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("(a+)+", "a" * 40 + "b"), ("(a|a)*", "a" * 40 + "b"), ("a*", "a" * 20_000), ("(", "a")],
)
def test_patterns_that_could_run_for_ever_are_not_run(pattern: str, text: str) -> None:
    """What may backtrack without end is left unmeasured; so is a very long answer, and a broken pattern."""
    assert RegexValid().measure(answer(text, RegexFormat(pattern))) == {}


def test_validators_keep_silent_when_no_form_was_asked_for() -> None:
    """Each speaks only for its own form."""
    assert JsonSchemaValid().measure(answer("{", RegexFormat("x"))) == {}
    assert RegexValid().measure(answer("{", SCHEMA)) == {}


def test_the_shape_of_an_answer() -> None:
    """Lengths as logarithms, cut and empty as flags."""
    cut = Answer(Prompt(()), " ", reasoning="hm", finish_reason=FinishReason.LENGTH)
    measured = Shape().measure(cut)
    assert (measured["cut_by_limit"], measured["empty"]) == (1.0, 1.0)
    assert measured["reasoning_char_count_log"] == math.log1p(2)


def test_only_a_validators_zero_is_a_proof() -> None:
    """Other signals may be 0 and prove nothing."""
    assert failed_validation(measure_all([JsonSchemaValid(), Shape()], answer("{", SCHEMA)))
    assert not failed_validation(measure_all([JsonSchemaValid(), Shape()], answer('{"sum": 1}', SCHEMA)))
    assert not failed_validation({"empty": 0.0, "cut_by_limit": 0.0})


def test_what_was_computed_coarsely_is_told_where_the_tier_knows() -> None:
    """Over the tokens that have a share; without any there is no measure."""
    tokens = [TokenLogprob("x", -1.0, little_mass=mass) for mass in (0.0, 0.5, None, math.nan)]
    measured = LittleMass().measure(answer("xxxx", None, *tokens))
    assert measured == {"little_mass_mean": 0.25, "little_mass_max": 0.5}
    assert LittleMass().measure(answer("x", None, TokenLogprob("x", -1.0))) == {}
