"""What was measured on steps, and what a request may expect of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.load import Load
from backends.serving.tempo import Tempo


def test_knows_nothing_before_it_was_told() -> None:
    """Nothing measured is nothing expected."""
    tempo = Tempo()
    assert (tempo.pass_s, tempo.read_s, tempo.token_s(1), tempo.answer_s(1)) == (None,) * 4


def test_what_a_token_adds_is_what_a_pass_takes_beyond_that_of_one() -> None:
    """So a longer prompt than was ever read is not expected to take its pass many times over."""
    tempo = Tempo()
    tempo.read(100, 1.0)
    assert (tempo.pass_s, tempo.read_s) == (0.0, 0.01)
    tempo.wrote(1, 1, 0.4)
    assert tempo.pass_s == pytest.approx(0.4)
    assert tempo.read_s == pytest.approx(0.006)


def test_a_token_of_a_prompt_takes_no_less_than_no_time() -> None:
    """A prompt of one token may be read faster than a token was written of late."""
    tempo = Tempo()
    tempo.read(1, 0.1)
    tempo.wrote(1, 1, 0.4)
    assert tempo.pass_s == pytest.approx(0.1)
    assert tempo.read_s == 0.0


def test_guesses_that_stood_make_a_token_quicker() -> None:
    """A step of two answers that wrote six tokens brought each three."""
    tempo = Tempo()
    tempo.wrote(2, 6, 0.3)
    assert tempo.token_s(2) == pytest.approx(0.1)


def test_a_number_that_was_not_seen_is_as_the_nearest() -> None:
    """Of two as near, the larger one: rather too slow than too fast."""
    tempo = Tempo()
    for answers in (1, 3, 8):
        tempo.wrote(answers, answers, answers / 10)
    assert [tempo.token_s(count) for count in (1, 2, 4, 7, 20)] == pytest.approx([0.1, 0.3, 0.3, 0.8, 0.8])


def test_follows_what_changes() -> None:
    """Forty steps of another pace are most of what counts."""
    tempo = Tempo()
    for seconds in [1.0] * 40 + [3.0] * 40:
        tempo.wrote(1, 1, seconds)
    assert tempo.token_s(1) == pytest.approx(3.0, rel=0.1)


def test_an_idle_model_makes_nobody_wait() -> None:
    """The first token takes as many passes as the prompt needs, and what its tokens add."""
    load = Load(0, 0, 4, pass_token_count=16, pass_s=0.1, read_s=0.01, token_s=0.1, answer_s=5.0)
    expected = load.expect(20)
    assert expected is not None
    assert expected.first_token_s == pytest.approx(2 * 0.1 + 20 * 0.01)
    assert expected.token_s == 0.1


def test_who_finds_all_slots_taken_waits_for_a_turn() -> None:
    """With four slots, the third in the queue waits for three quarters of an answer."""
    load = Load(4, 2, 4, pass_s=0.0, read_s=0.0, token_s=0.0, answer_s=8.0)
    expected = load.expect(20)
    assert expected is not None
    assert expected.first_token_s == pytest.approx(6.0)


counts = st.integers(0, 20)


@given(counts, counts, st.integers(1, 8), counts, counts)
def test_more_ahead_is_never_sooner(running: int, waiting: int, slots: int, unread: int, ahead: int) -> None:
    """Whoever else waits or is read makes nothing faster."""
    load = Load(
        min(running, slots),
        waiting,
        slots,
        unread_token_count=unread,
        pass_token_count=7,
        pass_s=0.1,
        read_s=0.01,
        token_s=0.1,
        answer_s=1.0,
    )
    alone, behind = load.expect(10), load.expect(10, ahead)
    assert alone is not None
    assert behind is not None
    assert behind.first_token_s >= alone.first_token_s >= 2 * 0.1 + 10 * 0.01
