"""The pocket tasks: splits that never meet, samples that repeat, an exact grader."""

import json
import re
from dataclasses import replace
from datetime import date
from math import prod

import pytest

from examples.pocket.tasks import KINDS, LEVELS, Sample, draw, grade, json_schema, split_of

CELLS = [(kind, level) for kind in KINDS for level in LEVELS]


def _some(kind: str, level: int, count: int = 40) -> list[Sample]:
    return list(draw(count, split="test", seed=5, kinds=[kind], levels=[level]))


def test_splits_are_disjoint() -> None:
    """No prompt of one split is ever drawn for another."""
    prompts = {
        split: {sample.prompt for sample in draw(2000, split=split, seed=3)}
        for split in ("train", "calibrate", "test")
    }
    assert not prompts["train"] & prompts["calibrate"]
    assert not (prompts["train"] | prompts["calibrate"]) & prompts["test"]


def test_the_prompt_alone_decides_its_split() -> None:
    """Whatever the seed, a drawn prompt hashes to the split it was drawn for."""
    assert all(
        split_of(sample.prompt) == "test" for seed in range(5) for sample in draw(50, split="test", seed=seed)
    )


def test_equal_seeds_draw_equal_samples() -> None:
    """A draw is a function of its arguments."""
    assert list(draw(100, split="train", seed=8)) == list(draw(100, split="train", seed=8))


def test_unequal_seeds_draw_unequal_samples() -> None:
    """Another seed gives other prompts, save rare chances."""
    first, second = ({sample.prompt for sample in draw(200, split="train", seed=seed)} for seed in (1, 2))
    assert len(first & second) < 10


def test_a_draw_repeats_no_prompt() -> None:
    """Prompts within one draw are distinct."""
    prompts = [sample.prompt for sample in draw(3000, split="train", seed=1)]
    assert len(set(prompts)) == len(prompts)


@pytest.mark.parametrize(("kind", "level"), CELLS)
def test_own_answers_are_right(kind: str, level: int) -> None:
    """The grader accepts each sample's own answer, with whitespace around it too."""
    assert all(grade(sample, f" {sample.answer}\n") for sample in _some(kind, level))


@pytest.mark.parametrize(("kind", "level"), CELLS)
def test_corrupted_answers_are_wrong(kind: str, level: int) -> None:
    """The grader rejects an answer with one character dropped, doubled or added."""
    for sample in _some(kind, level):
        answer = sample.answer
        for place in range(len(answer)):
            assert not grade(sample, answer[:place] + answer[place + 1 :])
        assert not grade(sample, answer + answer[-1])
        assert not grade(sample, answer + " 1")
        assert not grade(sample, "")


def test_json_is_compared_by_value() -> None:
    """Spacing and order of keys do not matter; types do."""
    sample = Sample("json", 1, "To JSON: age 28, name Bo", '{"age":28,"name":"Bo"}', "")
    assert grade(sample, '{ "name": "Bo", "age": 28 }')
    assert not grade(sample, '{"age":"28","name":"Bo"}')
    assert not grade(sample, '{"age":28.0,"name":"Bo"}')


def test_schema_fits_its_answer() -> None:
    """The schema names exactly the keys of the answer, and their types."""
    for sample in _some("json", 3):
        schema = json_schema(sample)
        assert schema is not None
        assert schema["required"] == list(json.loads(sample.answer))
        assert schema["properties"]["total"] == {"type": "integer"}


def test_only_json_has_a_schema() -> None:
    """Answers that are not JSON have no schema."""
    others = [kind for kind in KINDS if kind != "json"]
    assert all(json_schema(sample) is None for sample in draw(50, split="test", seed=1, kinds=others))


@pytest.mark.parametrize("level", LEVELS)
def test_dates_exist(level: int) -> None:
    """Every date asked for is in the calendar, in ISO form."""
    assert all(
        date.fromisoformat(sample.answer).isoformat() == sample.answer for sample in _some("date", level)
    )


@pytest.mark.parametrize("kind", ["arithmetic", "lookup"])
@pytest.mark.parametrize("level", [2, 3])
def test_working_ends_in_the_answer(kind: str, level: int) -> None:
    """A scratchpad of sums ends in the number that is the answer."""
    assert all(sample.reasoning.rpartition("=")[2] == sample.answer for sample in _some(kind, level))


def _value(sums: str) -> int:
    """Works out `6+5+1`, `12-7`, `7*6+4`."""
    terms = re.findall(r"([+-]?)([\d*]+)", sums)
    return sum(int(sign + "1") * prod(map(int, factors.split("*"))) for sign, factors in terms)


@pytest.mark.parametrize(("kind", "level"), CELLS)
def test_each_step_of_arithmetic_is_true(kind: str, level: int) -> None:
    """Every equation in a scratchpad holds."""
    steps = [step for sample in _some(kind, level) for step in re.split("[;:,]", sample.reasoning)]
    for step in steps:
        equation = re.match(r"(\d[\d+*-]*)=(-?\d+)", step)
        assert equation is None or _value(equation[1]) == int(equation[2]), step


@pytest.mark.parametrize("label", ["urgent", "normal"])
@pytest.mark.parametrize("level", LEVELS)
def test_labels_are_balanced(label: str, level: int) -> None:
    """Neither label can be guessed: each is between 40 and 60 % of a level."""
    labels = [sample.answer for sample in _some("classify", level, 400)]
    assert 0.4 < labels.count(label) / len(labels) < 0.6


def test_samples_are_values() -> None:
    """Samples compare and hash by value, so they can be keys."""
    sample = _some("sort", 1, 1)[0]
    assert hash(replace(sample)) == hash(sample)


def test_an_empty_cell_is_said() -> None:
    """Asking for more prompts than exist fails with the cell's name instead of hanging."""
    with pytest.raises(ValueError, match="arithmetic"):
        list(draw(3000, split="test", seed=1, kinds=["arithmetic"], levels=[1]))


def test_weights_decide_what_is_drawn() -> None:
    """A cell of weight zero is never drawn; the others share by weight."""
    weights = {("sort", level): 0.0 for level in LEVELS}
    samples = draw(200, split="train", seed=1, kinds=["sort", "date"], weights=weights)
    assert {sample.kind for sample in samples} == {"date"}
