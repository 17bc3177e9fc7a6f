"""Outcome records: who is kin to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Prompt, Role
from policies.outcomes import Outcome, OutcomeRecord, by_id, groups_of, record_id


def record(text: str, name: str = "", group: str | None = None) -> OutcomeRecord:
    return OutcomeRecord(Prompt((Message(Role.USER, text),)), {"a": Outcome(1.0, {}, 1)}, name, group)


RECORDS = st.builds(
    record, st.sampled_from("pqrst"), st.sampled_from(["", "1", "2", "3"]), st.sampled_from([None, "g", "h"])
)


def test_equal_prompts_are_kin_whatever_they_are_called() -> None:
    """Different ids do not part them, nor do spaces."""
    first, second, other = groups_of([record("a  b", "1"), record("a b", "2"), record("c", "3")])
    assert first == second != other


def test_kinship_passes_on() -> None:
    """A prompt shared with one group and an id shared with another join both."""
    joined = groups_of(
        [record("a", "1", "g"), record("a", "2", "h"), record("b", "3", "h"), record("c", "4")]
    )
    assert len(set(joined[:3])) == 1
    assert joined[3] not in joined[:3]


@given(st.lists(RECORDS, max_size=8))
def test_names_of_groups_do_not_depend_on_the_order(records: list[OutcomeRecord]) -> None:
    """A record keeps its group's name when the file is sorted anew."""
    named = dict(zip(map(repr, records), groups_of(records), strict=True))
    turned = records[::-1]
    assert dict(zip(map(repr, turned), groups_of(turned), strict=True)) == named


def test_a_record_without_id_is_named_by_its_prompt() -> None:
    """The name holds no text of the prompt."""
    assert record_id(record("secret")) == record_id(record("secret")) != record_id(record("other"))
    assert "secret" not in record_id(record("secret"))


def test_two_records_of_one_id_cannot_be_looked_up() -> None:
    """Ids must differ."""
    assert by_id([record("a", "1"), record("b", "2")])["2"].prompt.text == "b"
    with pytest.raises(ValueError, match="'1'"):
        by_id([record("a", "1"), record("b", "1")])
