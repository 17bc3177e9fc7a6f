"""Answers do not depend on what runs beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.llamacpp.engine.engine import Engine
from backends.types import Caller, Sampling
from tests.backends.llamacpp.engine.driving import Answers, alone, ask, finish, open_engine, prompts, work

POCKET = Path(__file__).parents[4] / "examples" / "pocket" / "weights" / "edge.gguf"


@pytest.fixture(params=["tiny", "pocket"])
def path(request: pytest.FixtureRequest, tiny_gguf: Path) -> Path:
    """A random model, and one that learnt something."""
    return tiny_gguf if request.param == "tiny" else POCKET


@pytest.fixture
def tiny(tiny_gguf: Path) -> Iterator[Engine]:
    """The random model, which hardly ever ends an answer."""
    opened = open_engine(tiny_gguf)
    yield opened
    opened.close()


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    """Four places, no cache."""
    opened = open_engine(path)
    yield opened
    opened.close()


def test_a_batch_writes_what_each_would_alone(engine: Engine) -> None:
    """Prompts of all lengths, three times as many as places: greedy tokens are those of solo runs."""
    works = [work(i, tokens, 10 + i) for i, tokens in enumerate(prompts(12))]
    expected = alone(engine, *works)
    together = ask(engine, *works)
    assert together.tokens == expected


def test_answers_may_come_in_midway(engine: Engine) -> None:
    """One more every third step changes none of those that run."""
    works = [work(i, tokens, 30) for i, tokens in enumerate(prompts(10, seed=1))]
    expected = alone(engine, *works)
    answers = Answers()
    for each in works:
        engine.submit(each)
        for _ in range(3):
            answers.note(engine.step())
    finish(engine, answers)
    assert answers.tokens == expected


def test_answers_may_leave_midway(engine: Engine) -> None:
    """Those that stay write on as before, and nothing more comes of those cancelled."""
    works = [work(i, tokens, 40) for i, tokens in enumerate(prompts(8, seed=2))]
    expected = alone(engine, *works)
    for each in works:
        engine.submit(each)
    answers = Answers()
    for step in range(12):
        answers.note(engine.step())
        if step % 2:
            engine.cancel(step // 2)
    cut = [len(answers[i].tokens) for i in range(6)]
    finish(engine, answers)
    assert all(answers[i].tokens == expected[i][: cut[i]] for i in range(6))
    assert all(answers[i].tokens == expected[i] for i in (6, 7))


def test_a_preempted_answer_goes_on_where_it_was(tiny: Engine) -> None:
    """Urgent requests take places at once; those that gave way write the same as without them."""
    works = [work(i, tokens, 40) for i, tokens in enumerate(prompts(4, seed=3))]
    urgent = [
        work(9 + i, tokens, 9, caller=Caller(priority=1)) for i, tokens in enumerate(prompts(3, seed=4))
    ]
    expected = alone(tiny, *works, *urgent)
    answers = Answers()
    for each in works:
        tiny.submit(each)
    for _ in range(10):
        answers.note(tiny.step())
    for each in urgent:
        tiny.submit(each)
    finish(tiny, answers)
    assert tiny.load().preemption_count == 3
    assert answers.tokens == expected
    assert all(len(answer.began) == 1 for answer in answers.values())


def test_a_seed_gives_one_answer_in_any_mix(engine: Engine) -> None:
    """Drawn at a high temperature, beside others and alone."""
    sampling = Sampling(temperature=1.3, top_p=0.95, seed=7, frequency_penalty=0.2)
    works = [work(i, tokens, 25, sampling=sampling) for i, tokens in enumerate(prompts(6, seed=5))]
    expected = alone(engine, *works)
    together = ask(engine, *works)
    assert together.tokens == expected


def test_a_resumed_answer_goes_on_as_it_began(tiny: Engine) -> None:
    """An engine that is told what was written writes the rest, texts and statistics too."""
    sampling = Sampling(temperature=1.0, seed=3, top_k=50)
    (tokens,) = prompts(1, seed=6)
    whole = ask(tiny, work(1, tokens, 30, sampling=sampling))[1]
    written = tuple(whole.tokens[:11])
    rest = ask(tiny, work(1, tokens, 30, sampling=sampling, written=written))[1]
    assert rest.tokens == whole.tokens[11:]
    assert rest.text == whole.text[len(whole.text) - len(rest.text) :]


def test_slots_stay_dense(engine: Engine) -> None:
    """After any coming and going, n running answers lie in the first n slots."""
    works = [work(i, tokens, 3 + 5 * (i % 4)) for i, tokens in enumerate(prompts(12, seed=7))]
    for each in works:
        engine.submit(each)
    while engine.has_work:
        engine.step()
        running = engine._runner.scheduler.running
        slots = sorted(sequence.slot for sequence in running if sequence.slot is not None)
        assert all(slot < engine.load().slot_count for slot in slots)
        assert len(set(slots)) == len(running)


def test_tells_as_many_probable_tokens_as_asked_for(engine: Engine) -> None:
    """The most probable first; a greedy token is the first of them."""
    sampling = Sampling(top_logprob_count=5)
    answer = ask(engine, work(1, range(5, 30), sampling=sampling))[1]
    for wrote in answer.wrote:
        top = [logprob for _, logprob in wrote.logprob.top]
        assert len(top) == 5
        assert top == sorted(top, reverse=True)
        assert top[0] == pytest.approx(wrote.logprob.logprob, abs=1e-5)
        assert top[1] == pytest.approx(wrote.logprob.runner_up_logprob, abs=1e-5)
