"""Files of prompts: what may stand in them, what is drawn, and what is said of a line that is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from backends.types import JsonSchemaFormat, RegexFormat, Role
from policies.outcomes import Outcome, OutcomeRecord
from router.collect import Case, CollectError, choose, read_prompts
from router.outcomes import write_outcomes

SCHEMA = {
    "type": "object",
    "properties": {"b": {"type": "integer"}, "a": {"type": "string"}},
    "required": ["b"],
}


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "p.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def only(folder: Path, line: Any) -> Case:
    (case,) = read_prompts(written(folder, line)).cases
    return case


@pytest.mark.parametrize("name", ["prompt", "text"])
def test_a_line_is_a_prompt_with_what_it_is_graded_by(tmp_path: Path, name: str) -> None:
    """Names that people give it are taken, and the answer may stand under either of two."""
    case = only(tmp_path, {name: "2 + 2?", "id": "q", "task": "sums", "group": "g", "answer": 4})
    assert (case.id, case.prompt.text, case.task, case.group) == ("q", "2 + 2?", "sums", "g")
    assert case.references == (4,)


def test_a_conversation_keeps_its_turns(tmp_path: Path) -> None:
    """It is sent as it stands."""
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}]
    case = only(tmp_path, {"messages": turns, "references": ["a", "b"]})
    assert [message.role for message in case.prompt.messages] == [Role.SYSTEM, Role.USER]
    assert case.references == ("a", "b")


def test_a_form_becomes_what_the_wire_would_make_of_it(tmp_path: Path) -> None:
    """Required properties first: tiers write them in that order when they serve."""
    form = only(tmp_path, {"prompt": "?", "json_schema": SCHEMA}).prompt.response_format
    assert isinstance(form, JsonSchemaFormat)
    assert list(form.schema["properties"]) == ["b", "a"]
    assert only(tmp_path, {"prompt": "?", "regex": "[ab]"}).prompt.response_format == RegexFormat("[ab]")


def test_plain_text_is_one_prompt_a_line(tmp_path: Path) -> None:
    """Zipped or not; an id is made from the prompt itself."""
    path = tmp_path / "prompts.txt"
    path.write_bytes(gzip.compress("one?\n\n  zwölf?  \n".encode()))
    cases = read_prompts(path).cases
    assert [case.prompt.text for case in cases] == ["one?", "zwölf?"]
    assert cases[0].id == f"prompt-{cases[0].key}"


def test_a_file_of_outcomes_is_one_of_prompts(tmp_path: Path) -> None:
    """So answers of further tiers can be collected on the same prompts."""
    prompt = only(tmp_path, "one?").prompt
    record = OutcomeRecord(prompt, {"edge": Outcome(1.0, {}, 1, text="1")}, id="r", task="sums")
    write_outcomes([record], tmp_path / "o.jsonl.gz")
    (case,) = read_prompts(tmp_path / "o.jsonl.gz").cases
    assert (case.id, case.prompt, case.task) == ("r", prompt, "sums")


def test_equal_prompts_are_one(tmp_path: Path) -> None:
    """The first is kept and the others are counted; one that asks for another form is another."""
    lines = ({"prompt": "x", "id": "1"}, {"prompt": "x", "id": "2"}, {"prompt": "x", "regex": "y"})
    read = read_prompts(written(tmp_path, *lines))
    assert (read.cases[0].id, len(read.cases), read.duplicate_count) == ("1", 2, 1)


def test_a_larger_sample_holds_the_smaller(tmp_path: Path) -> None:
    """What was collected for the one is of use for the other; another seed draws others."""
    cases = read_prompts(written(tmp_path, *(f"prompt {number}" for number in range(50)))).cases
    few, many = choose(cases, 10, 1), choose(cases, 30, 1)
    assert set(few) < set(many)
    assert set(few) != set(choose(cases, 10, 2))
    assert choose(cases, None, 1) == choose(cases, 99, 1) == cases


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"prompt": ""}, "p.jsonl:2: .*prompt"),
        ({"reference": "4"}, "p.jsonl:2: prompt: Field required"),
        ({"prompt": "x", "regex": "["}, "p.jsonl:2: prompt.response_format.regex.pattern: "),
        ({"prompt": "x", "regex": "a", "json_schema": {}}, "p.jsonl:2: .*give one of"),
        ({"prompt": "z", "id": "1"}, "p.jsonl:2: id: '1' is that of .*p.jsonl:1 too"),
        ("{", "p.jsonl:2: Invalid JSON"),
    ],
)
def test_a_wrong_line_is_told_by_file_and_line(tmp_path: Path, line: Any, complaint: str) -> None:
    """Before anything is asked or paid for."""
    with pytest.raises(CollectError, match=complaint):
        read_prompts(written(tmp_path, {"prompt": "y", "id": "1"}, line))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """It says what a prompt looks like."""
    with pytest.raises(CollectError, match="there is no prompt in it; give one a line"):
        read_prompts(written(tmp_path, "", " "))
