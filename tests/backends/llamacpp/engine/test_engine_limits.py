"""What an engine turns away, and that one answer's fault is its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.llamacpp.engine.engine import Engine
from backends.serving.parts import Logits
from backends.serving.scheduler import Row
from backends.types import GrammarFormat
from tests.backends.llamacpp.engine.driving import alone, ask, finish, prompts, work

Opened = Callable[..., Engine]


@pytest.fixture
def engine(opened: Opened) -> Engine:
    """Four places, no cache."""
    return opened()


def test_a_deadline_ends_an_answer_wherever_it_is(opened: Opened) -> None:
    """Running or waiting, it fails with TimedOut and what it used; the others go on."""
    now_s = [0.0]
    engine = opened(sequence_count=1, clock=lambda: now_s[0])
    works = [work(i, range(5, 30), 30, deadline_s=deadline) for i, deadline in enumerate((10.0, 5.0, None))]
    for each in works:
        engine.submit(each)
    engine.step()
    now_s[0] = 10.0
    answers = finish(engine)
    assert isinstance(answers[0].error, TimedOut)
    assert answers[0].error.usage.input_token_count == 25
    assert isinstance(answers[1].error, TimedOut)
    assert answers[1].error.usage.input_token_count == 0
    assert len(answers[2].tokens) == 30


def test_a_full_queue_is_overloaded(opened: Opened) -> None:
    """And takes work again once something is done."""
    engine = opened(sequence_count=1, queue_length=1)
    engine.submit(work(1, range(5, 9)))
    engine.submit(work(2, range(5, 9)))
    with pytest.raises(Overloaded):
        engine.submit(work(3, range(5, 9)))
    finish(engine)
    assert ask(engine, work(3, range(5, 9)))[3].tokens


def test_what_does_not_fit_is_told_before_it_runs(engine: Engine) -> None:
    """Prompt and answer together may fill the context and no more."""
    with pytest.raises(ContextTooLong, match="256"):
        engine.submit(work(1, [7] * 237, 20))
    assert len(ask(engine, work(2, [7] * 236, 20))[2].tokens) == 20


@pytest.mark.parametrize("tokens", [[], [5, 300], [-1]])
def test_tokens_of_another_model_are_refused(engine: Engine, tokens: list[int]) -> None:
    """They would fail a whole batch."""
    with pytest.raises(Refused):
        engine.submit(work(1, tokens))
    assert not engine.has_work


def test_an_id_is_taken_once(engine: Engine) -> None:
    """Two answers of one name could not be told apart."""
    engine.submit(work(1, range(5, 9)))
    with pytest.raises(Refused, match="another id"):
        engine.submit(work(1, range(5, 9)))


def test_unknown_ids_are_cancelled_in_silence(engine: Engine) -> None:
    """Their answers may have ended on the way."""
    engine.cancel(12)
    assert engine.step() == []


def test_an_impossible_form_fails_alone(engine: Engine) -> None:
    """Its neighbours write what they would have written."""
    works = [work(i, tokens) for i, tokens in enumerate(prompts(3))]
    expected = alone(engine, *works)
    answers = ask(
        engine, works[0], work(9, range(5, 9), response_format=GrammarFormat("root ::= missing")), *works[1:]
    )
    assert isinstance(answers[9].error, Refused)
    assert {i: answers[i].tokens for i in range(3)} == expected


def test_a_batch_that_llama_cpp_refuses_is_taken_apart(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the row that fails by itself fails; a full KV cache is met the same way."""
    works = [work(i, range(5 + i, 9 + i)) for i in range(3)]
    expected = alone(engine, *works)
    compute = engine._batch.compute

    def refuse(rows: list[Row]) -> Logits:
        if any(row.sequence.work.id == 9 for row in rows):
            raise Unavailable("no")
        return compute(rows)

    monkeypatch.setattr(engine._batch, "compute", refuse)
    answers = ask(engine, *works, work(9, range(5, 9)))
    assert isinstance(answers[9].error, Unavailable)
    assert {i: answers[i].tokens for i in range(3)} == expected


def test_an_aborted_step_is_done_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost and nothing comes twice."""
    works = [work(i, tokens) for i, tokens in enumerate(prompts(4))]
    expected = alone(engine, *works)
    decode, calls = engine._batch.decode, iter(range(10**6))
    monkeypatch.setattr(
        engine._batch, "decode", lambda count: (decode(count), 2 if next(calls) % 3 == 0 else 0)[1]
    )
    answers = ask(engine, *works)
    assert {i: answers[i].tokens for i in range(4)} == expected


def test_a_model_without_numbers_fails_typed(opened: Opened, broken_gguf: Path) -> None:
    """Its answers are Unavailable, the engine lives."""
    engine = opened(broken_gguf)
    answers = ask(engine, work(1, range(5, 9)), work(2, range(5, 50)))
    assert isinstance(answers[1].error, Unavailable)
    assert isinstance(answers[2].error, Unavailable)
    assert not engine.has_work


def test_says_how_busy_it_is(engine: Engine) -> None:
    """Places, those who wait, and tokens read and written."""
    for i in range(6):
        engine.submit(work(i, range(5 + 20 * i, 25 + 20 * i), 10))
    engine.step()
    load = engine.load()
    assert (load.running_count, load.waiting_count, load.slot_count) == (2, 4, 4)
    finish(engine)
    load = engine.load()
    assert (load.running_count, load.waiting_count) == (0, 0)
    assert load.read_token_count == 6 * 20
    assert load.written_token_count == 6 * 10


def test_knows_its_size(engine: Engine, tiny_gguf: Path) -> None:
    """At least keys and values of 2 layers with a head of 16, in 2 bytes each, for 4 contexts."""
    assert engine.memory_byte_count > 2 * 2 * 16 * 2 * 4 * 256


def test_closes_twice(opened: Opened) -> None:
    """With answers underway; the second time nothing happens."""
    engine = opened()
    engine.submit(work(1, range(5, 50)))
    engine.step()
    engine.close()
    engine.close()
