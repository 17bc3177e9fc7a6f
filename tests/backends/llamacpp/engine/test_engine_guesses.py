"""Tokens that were guessed ahead are taken only where they are what would have been written anyway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.engine.engine import Engine
from backends.serving.parts import Logits
from backends.serving.scheduler import Row
from backends.serving.speculation.speculation import Speculation
from backends.serving.work import Work
from backends.types import Caller, JsonSchemaFormat, RegexFormat, Sampling
from tests.backends.llamacpp.engine.driving import Answers, ask, finish, prompts, work
from tests.backends.llamacpp.engine.recurrent import save_recurrent
from tests.backends.serving.oracle import OpenGate, Oracle

Opened = Callable[..., Engine]
SAMPLINGS = {
    "greedy": Sampling(seed=1),
    "drawn": Sampling(temperature=1.2, top_p=0.95, seed=1),
    "penalised": Sampling(
        temperature=0.9, seed=2, frequency_penalty=0.5, presence_penalty=0.3, repetition_penalty=1.2
    ),
}


def open_gate(engine: Engine) -> None:
    """Let ``engine`` guess in every step from now on."""
    assert engine._speculation is not None
    engine._speculation._gate = OpenGate()


def guessing(engine: Engine, expected: Answers, count: int = 3) -> Oracle:
    """Let an oracle guess ``count`` tokens in every step of ``engine`` from now on."""
    oracle = Oracle(expected.tokens, count)
    engine._runner._speculation = Speculation(oracle, OpenGate(), engine.context_token_count)
    return oracle


def steps(engine: Engine, *works: Work) -> tuple[Answers, int]:
    """Answers to ``works``, and the steps that they took."""
    for each in works:
        engine.submit(each)
    answers, count = Answers(), 0
    while engine.has_work:
        answers.note(engine.step())
        count += 1
    return answers, count


@pytest.fixture
def plain(opened: Opened) -> Engine:
    """An engine that never guesses."""
    return opened(speculation="off")


@pytest.mark.parametrize("kind", SAMPLINGS)
def test_guesses_change_nothing_but_the_number_of_steps(opened: Opened, plain: Engine, kind: str) -> None:
    """Right, half right and wrong ones, in rows beside others: tokens and statistics are those without."""
    works = [work(i, tokens, 40, sampling=SAMPLINGS[kind]) for i, tokens in enumerate(prompts(4, seed=2))]
    expected, plain_steps = steps(plain, *works)
    engine = opened()
    guessing(engine, expected)
    answers, fewer = steps(engine, *works)
    assert answers.tokens == expected.tokens
    assert all(
        mine.logprob.logprob == pytest.approx(theirs.logprob.logprob, abs=1e-2)
        for i in range(4)
        for mine, theirs in zip(answers[i].wrote, expected[i].wrote, strict=True)
    )
    assert fewer < 0.7 * plain_steps


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 17])
def test_an_answer_has_no_more_tokens_than_its_limit(opened: Opened, plain: Engine, limit: int) -> None:
    """Guesses that reach behind it are dropped, also where they would have been right."""
    works = [work(i, tokens, limit) for i, tokens in enumerate(prompts(4, seed=3))]
    expected = ask(plain, *[work(i, list(each.tokens), 40) for i, each in enumerate(works)])
    engine = opened()
    guessing(engine, expected)
    assert ask(engine, *works).tokens == {i: expected[i].tokens[:limit] for i in range(4)}


def test_the_context_is_filled_to_its_end(opened: Opened, plain: Engine) -> None:
    """No guess is computed at a place that the memory does not have."""
    works = [work(i, [7 + i] * 200, 56) for i in range(4)]
    expected = ask(plain, *works)
    engine = opened()
    guessing(engine, expected, count=8)
    assert ask(engine, *works).tokens == expected.tokens


def test_constrained_answers_are_the_same(opened: Opened, plain: Engine) -> None:
    """Their constraints move on token by token, guessed or not; neighbours are free."""
    forms = [
        JsonSchemaFormat({"type": "array", "items": {"type": "integer"}}),
        None,
        RegexFormat("[a-f]{30,}"),
    ]
    works = [
        work(i, tokens, 40, sampling=Sampling(temperature=1.5, seed=i), response_format=forms[i % 3])
        for i, tokens in enumerate(prompts(6, seed=4))
    ]
    expected = ask(plain, *works)
    engine = opened()
    guessing(engine, expected)
    assert ask(engine, *works).tokens == expected.tokens


def test_preempted_and_cancelled_amid_guesses(opened: Opened, plain: Engine) -> None:
    """A state that is taken out holds nothing that was only guessed."""
    works = [work(i, tokens, 40) for i, tokens in enumerate(prompts(4, seed=3))]
    urgent = [work(9 + i, tokens, 9, caller=Caller(priority=1)) for i, tokens in enumerate(prompts(3))]
    expected = ask(plain, *works, *urgent)
    engine = opened(prefix_cache_mib=8)
    guessing(engine, expected)
    for each in works:
        engine.submit(each)
    answers = Answers()
    for _ in range(12):
        answers.note(engine.step())
    engine.cancel(1)
    for each in urgent:
        engine.submit(each)
    finish(engine, answers)
    whole = {i: tokens for i, tokens in answers.tokens.items() if i != 1}
    assert whole == {i: tokens for i, tokens in expected.tokens.items() if i != 1}
    assert engine.load().preemption_count > 0
    again = work(20, [*works[0].tokens, *expected[0].tokens[:-1]], 9)
    assert ask(engine, again).tokens == ask(plain, again).tokens


def test_adapters_are_guessed_for_as_well(opened: Opened, plain: Engine, adapters: tuple[Path, Path]) -> None:
    """Each step is of one adapter, with or without guesses."""
    (tokens,) = prompts(1, longest=100)
    works = [work(i, tokens, adapter=[None, "x"][i // 2 % 2]) for i in range(6)]
    for engine in (plain, guesser := opened()):
        engine.add_adapter("x", adapters[0], 1.0)
    expected = ask(plain, *works)
    guessing(guesser, expected)
    assert ask(guesser, *works).tokens == expected.tokens


def test_a_step_that_fails_is_done_without_guesses(
    opened: Opened, plain: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where llama.cpp has no room for them, answers go on as if nothing had been guessed."""
    works = [work(i, tokens) for i, tokens in enumerate(prompts(3))]
    expected = ask(plain, *works)
    engine = opened()
    guessing(engine, expected)
    compute = engine._batch.compute

    def refuse(rows: list[Row]) -> Logits:
        if any(row.draft for row in rows):
            raise Unavailable("no room")
        return compute(rows)

    monkeypatch.setattr(engine._batch, "compute", refuse)
    assert ask(engine, *works).tokens == expected.tokens


def test_tells_how_many_guesses_stood(opened: Opened, plain: Engine) -> None:
    """In the load, and to who guessed; every accepted one saves a token's step."""
    each = work(2, range(5, 30), 21)
    expected = ask(plain, each)
    engine = opened()
    oracle = guessing(engine, expected)
    ask(engine, each)
    load = engine.load()
    assert load.drafted_token_count == sum(guesses for guesses, _ in oracle.learnt) > 0
    assert load.accepted_token_count == sum(right for _, right in oracle.learnt)
    assert load.written_token_count == 21
    assert load.accepted_token_count == 15


def test_looks_up_what_was_said_before(opened: Opened, plain: Engine) -> None:
    """A model that goes round in circles is guessed right, by default and at every seed."""
    works = [work(i, tokens, 150) for i, tokens in enumerate(prompts(4, seed=5, longest=90))]
    expected = ask(plain, *works)
    engine = opened()
    open_gate(engine)
    assert ask(engine, *works).tokens == expected.tokens
    assert engine.load().accepted_token_count > 50


@pytest.fixture
def drafting(opened: Opened, tiny_gguf: Path) -> Engine:
    """The tiny model guesses for itself, so it is always right."""
    return opened(speculation="draft", draft_model=str(tiny_gguf))


def test_a_draft_model_guesses(drafting: Engine, plain: Engine) -> None:
    """Several answers, more than there are places, of which some come and go."""
    open_gate(drafting)
    works = [work(i, tokens, 10 + 7 * i) for i, tokens in enumerate(prompts(9, seed=6))]
    expected = ask(plain, *works)
    answers = ask(drafting, *works)
    assert answers.tokens == expected.tokens
    load = drafting.load()
    assert load.accepted_token_count > 0.8 * load.drafted_token_count > 0


def test_a_draft_model_is_of_one_vocabulary(opened: Opened) -> None:
    """Another one is refused when the model is opened."""
    pocket = Path(__file__).parents[4] / "examples" / "pocket" / "weights" / "edge.gguf"
    with pytest.raises(Unavailable, match="same family"):
        opened(speculation="draft", draft_model=str(pocket))


@pytest.fixture(scope="module")
def recurrent_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Mamba."""
    return save_recurrent(tmp_path_factory.mktemp("recurrent") / "model.gguf")


def test_what_cannot_be_taken_back_is_not_guessed(opened: Opened, recurrent_gguf: Path) -> None:
    """Recurrent memory, and a text behind attention sinks."""
    assert opened(recurrent_gguf)._speculation is None
    assert opened(attention_sink_token_count=4)._speculation is None
