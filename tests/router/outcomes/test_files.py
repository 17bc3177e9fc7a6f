"""Files of outcomes: what is written is read back, and what is wrong is told by line and field."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import GrammarFormat, JsonSchemaFormat, Message, Prompt, RegexFormat, Role
from policies.outcomes import Outcome, OutcomeRecord, Sample
from router.outcomes import OutcomesError, read_outcomes, write_outcomes
from router.outcomes.document import RecordLine
from router.outcomes.write import line_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
GRADE = st.floats(0.0, 1.0)
SIGNALS = st.dictionaries(TEXT, st.floats(allow_nan=False, allow_infinity=False), max_size=3)
SAMPLES = st.lists(st.builds(Sample, TEXT, st.none() | GRADE, SIGNALS), max_size=2).map(tuple)
AMOUNT = st.none() | st.floats(0.0, 1e6)
OUTCOMES = st.builds(
    Outcome,
    GRADE,
    SIGNALS,
    st.none() | st.integers(0, 10**6),
    st.none() | TEXT,
    st.none() | TEXT,
    AMOUNT,
    AMOUNT,
    SAMPLES,
)
FORMS = (
    st.none()
    | TEXT.map(RegexFormat)
    | TEXT.map(GrammarFormat)
    | st.dictionaries(TEXT, TEXT, max_size=2).map(JsonSchemaFormat)
)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(list(Role)), TEXT), min_size=1, max_size=3)
RECORDS = st.builds(
    OutcomeRecord,
    st.builds(lambda messages, form: Prompt(tuple(messages), response_format=form), MESSAGES, FORMS),
    st.dictionaries(TEXT, OUTCOMES, min_size=1, max_size=3),
    TEXT,
    st.none() | TEXT,
    st.none() | TEXT,
)
LINE: dict[str, Any] = {"id": "1", "prompt": "?", "outcomes": {"a": {"quality": 1}}}


def write(path: Path, *lines: Any) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


@given(RECORDS)
def test_a_record_survives_its_line(record: OutcomeRecord) -> None:
    """Whatever is in it."""
    assert RecordLine.model_validate_json(line_of(record)).record() == record


@pytest.mark.parametrize("name", ["outcomes.jsonl", "outcomes.jsonl.gz"])
def test_files_are_written_whole_and_read_back(tmp_path: Path, name: str) -> None:
    """Zipped where the name says so, and equal records make equal files."""
    records = [RecordLine.model_validate(LINE | {"id": str(number)}).record() for number in range(3)]
    assert write_outcomes(records, tmp_path / name) == 3
    first = (tmp_path / name).read_bytes()
    assert read_outcomes(tmp_path / name) == records
    write_outcomes(records, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    assert (first[:2] == b"\x1f\x8b") == name.endswith(".gz")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_unknown_fields_are_let_pass(tmp_path: Path) -> None:
    """Such files come with extras; prompts may be texts or conversations, samples texts or objects."""
    outcome = {"quality": 0.5, "judge": "me", "samples": ["x", {"text": "y", "quality": 1}]}
    line = {"prompt": [{"role": "user", "content": "?"}], "outcomes": {"a": outcome}, "contaminated": False}
    (record,) = read_outcomes(write(tmp_path / "f", line, ""))
    assert record.prompt.text == "?"
    assert [sample.quality for sample in record.outcomes["a"].samples] == [None, 1.0]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (LINE | {"outcomes": {"a": {"quality": 1.5}}}, "f:2: outcomes.a.quality: .* 1, not 1.5"),
        (LINE | {"outcomes": {"a": {}}}, "f:2: outcomes.a.quality: Field required"),
        (LINE | {"outcomes": {}}, "f:2: outcomes: "),
        ({"prompt": "?"}, "f:2: outcomes: Field required"),
        ("{", "f:2: Invalid JSON"),
        ('{"prompt": "?", "outcomes": {"a": {"quality": NaN}}}', "f:2: outcomes.a.quality: .* not nan"),
        (LINE, "f:2: id: '1' is that of line 1 too"),
    ],
)
def test_a_wrong_line_is_told_by_its_number_and_field(tmp_path: Path, line: Any, complaint: str) -> None:
    """And by the value, where that is a number; texts are not repeated."""
    with pytest.raises(OutcomesError, match=complaint):
        read_outcomes(write(tmp_path / "f", LINE, line))


def test_a_text_is_never_repeated_in_an_error(tmp_path: Path) -> None:
    """Prompts may be secret."""
    with pytest.raises(OutcomesError) as raised:
        read_outcomes(write(tmp_path / "f", LINE | {"prompt": {"secret": "hunter2"}}))
    assert "hunter2" not in str(raised.value)


def test_an_empty_or_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Nothing in it, or gzip that was cut off."""
    with pytest.raises(OutcomesError, match="no record"):
        read_outcomes(write(tmp_path / "empty", ""))
    cut = gzip.compress(json.dumps(LINE).encode() * 1000)[:-20]
    (tmp_path / "cut").write_bytes(cut)
    with pytest.raises(OutcomesError, match="damaged gzip"):
        read_outcomes(tmp_path / "cut")
