"""The log of answers: nothing that was kept is lost, and nothing is mixed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.collect import CollectError
from router.collect.answer_log import AnswerLog
from router.collect.answers import Answer, Failure, Slot
from router.collect.settings import TierPrint

SLOT = Slot("key", "edge")
ANSWER = Answer("four", {"logprob_mean": -0.5}, 3, 7, 0.25)
NOW = {"edge": TierPrint("f1", "s1")}


def opened(folder: Path, temperature: float = 0.7) -> AnswerLog:
    return AnswerLog(folder / "o.jsonl.answers", temperature=temperature)


def filled(folder: Path) -> Path:
    """A log of a failure, an answer in its place, and a grade."""
    with opened(folder) as log:
        log.begin(NOW)
        log.failed(SLOT, Failure("TIMED_OUT"))
        log.answered(SLOT, ANSWER)
        log.failed(Slot("other", "edge"), Failure("REFUSED"))
        log.graded("me", SLOT, 0.5)
    return log.path


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    """Answers take their failures' places, and money stays counted."""
    filled(tmp_path)
    with opened(tmp_path) as log:
        assert log.answers == {SLOT: ANSWER}
        assert log.failures == {Slot("other", "edge"): Failure("REFUSED")}
        assert log.grades == {("me", SLOT): 0.5}
        assert log.spent_usd_micros == 7


@given(st.integers(min_value=1))
def test_a_line_that_was_cut_is_as_if_it_had_not_been(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    """Wherever a process was killed, what had been whole lines stays, and the file can be added to."""
    folder = tmp_path_factory.mktemp("log")
    path = filled(folder)
    whole = path.read_bytes()
    kept = 1 + cut % (len(whole) - 1)
    path.write_bytes(whole[:kept])
    with opened(folder) as log:
        log.begin(NOW)
        log.answered(Slot("new", "edge"), ANSWER)
    with opened(folder) as log:
        assert log.answers[Slot("new", "edge")] == ANSWER
        assert (SLOT in log.answers) == (whole[:kept].count(b"\n") >= 4)


def test_answers_of_another_configuration_are_refused(tmp_path: Path) -> None:
    """Which tier changed is named, and what to do."""
    filled(tmp_path)
    with (
        opened(tmp_path) as log,
        pytest.raises(CollectError, match="tier 'edge' come from another configuration"),
    ):
        log.begin({"edge": TierPrint("f2", "s1")})


def test_a_further_tier_may_join(tmp_path: Path) -> None:
    """It was not there, so it did not change; signals of other code are told, not refused."""
    filled(tmp_path)
    with opened(tmp_path) as log:
        log.begin({"edge": TierPrint("f1", "s2"), "top": TierPrint("f9", "s2")})
        assert log.other_signals == {"edge"}


def test_samples_of_another_temperature_are_refused(tmp_path: Path) -> None:
    """They were drawn otherwise."""
    filled(tmp_path)
    with pytest.raises(CollectError, match=r"temperature 0.7, not 1"), opened(tmp_path, 1.0):
        pass


def test_only_one_process_writes(tmp_path: Path) -> None:
    """Two would interleave, and pay twice."""
    with opened(tmp_path), pytest.raises(CollectError, match="another process"), opened(tmp_path):
        pass


@pytest.mark.parametrize("line", ["{}", "[]", "nonsense", '{"key": "k", "tier": "edge", "text": 1}'])
def test_a_damaged_line_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    """A whole line that says nothing was not written by us."""
    path = filled(tmp_path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(CollectError, match="answers:7: it is damaged"), opened(tmp_path):
        pass


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """It is not ours to add to."""
    path = tmp_path / "o.jsonl.answers"
    path.write_text('{"prompt": "x"}\n')
    with pytest.raises(CollectError, match="answers:1: it is no log of answers"), opened(tmp_path):
        pass
    assert path.read_text() == '{"prompt": "x"}\n'
