"""Whatever shares a step, answers are those of transformers' own greedy loop in float32, one at a time."""

from __future__ import annotations

from functools import cache

import pytest
from transformers import BloomConfig

from backends.serving.speculation.speculation import Speculation
from backends.types import Caller, Sampling
from tests.backends.moe.families import CONFIGS, generate, model_of, new_model
from tests.backends.moe.serving.conftest import Opened
from tests.backends.serving.driving import Answers, ask, finish, prompts, work
from tests.backends.serving.oracle import OpenGate, Oracle

COUNT = 12
ASKED = prompts(6, longest=50)


@cache
def right(family: str, tokens: tuple[int, ...]) -> list[int]:
    """What transformers writes after ``tokens``."""
    return generate(model_of(family), list(tokens), COUNT)


def expected(family: str, asked: list[list[int]]) -> dict[int, list[int]]:
    return {i: right(family, tuple(tokens)) for i, tokens in enumerate(asked)}


@pytest.mark.parametrize("family", CONFIGS)
def test_batched_and_chunked(opened: Opened, family: str) -> None:
    """Prompts of 1 to 50 tokens in chunks of 24, more of them than places."""
    engine = opened(family)
    assert ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(ASKED))).tokens == expected(
        family, ASKED
    )


@pytest.mark.parametrize("family", CONFIGS)
def test_joining_and_leaving(opened: Opened, family: str) -> None:
    """One more every third step, of any length, and every other one cancelled midway."""
    engine, answers = opened(family), Answers()
    for i, tokens in enumerate(ASKED):
        engine.submit(work(i, tokens, COUNT))
        for _ in range(3):
            answers.note(engine.step())
        if i % 2:
            engine.cancel(i - 1)
    finish(engine, answers)
    known = expected(family, ASKED)
    for i in range(len(ASKED)):
        assert answers[i].tokens == known[i][: len(answers[i].tokens)]
    assert [len(answers[i].tokens) for i in (1, 3, 5)] == [COUNT] * 3


@pytest.mark.parametrize("family", CONFIGS)
def test_behind_a_cached_prefix(opened: Opened, family: str) -> None:
    """What was read for another is copied, and only the rest is computed."""
    system = [5 + 7 * i % 250 for i in range(40)]
    asked = [system + end for end in prompts(3, seed=3, longest=20)]
    engine, answers = opened(family, prefix_cache_mib=16), Answers()
    for i, tokens in enumerate(asked):
        engine.submit(work(i, tokens, COUNT))
        finish(engine, answers)
    assert answers.tokens == expected(family, asked)
    assert all(answers[i].began[0].cached_token_count >= len(system) for i in (1, 2))
    assert engine.load().read_token_count == len(asked[0]) + sum(
        len(asked[i]) - answers[i].began[0].cached_token_count for i in (1, 2)
    )


@pytest.mark.parametrize("family", CONFIGS)
def test_with_guesses(opened: Opened, family: str) -> None:
    """Right and wrong guesses verified in one step change when tokens come, never which."""
    known = expected(family, ASKED)
    engine = opened(family)
    engine._runner._speculation = Speculation(Oracle(known, 3), OpenGate(), 512)
    assert ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(ASKED))).tokens == known
    assert engine.load().accepted_token_count > 0
    assert engine.load().drafted_token_count > engine.load().accepted_token_count


@pytest.mark.parametrize("family", CONFIGS)
def test_as_captured_steps_compute(opened: Opened, family: str) -> None:
    """Rows filled up with copies of the first, and slots read by index: as on a GPU, where shapes repeat."""
    engine = opened(family)
    engine._runner._batch._is_static = True  # type: ignore[attr-defined]
    assert ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(ASKED))).tokens == expected(
        family, ASKED
    )


def test_a_preempted_answer_goes_on(opened: Opened) -> None:
    """Who had to make room is written to the end as if nothing had happened."""
    asked = prompts(3, seed=6, longest=40)
    engine, answers = opened(sequence_count=2), Answers()
    for i in (0, 1):
        engine.submit(work(i, asked[i], COUNT))
    for _ in range(8):
        answers.note(engine.step())
    engine.submit(work(2, asked[2], COUNT, caller=Caller(priority=1)))
    finish(engine, answers)
    assert answers.tokens == expected("qwen3_moe", asked)
    assert engine.load().preemption_count == 1


def test_texts_beyond_the_first_length_of_slots(opened: Opened) -> None:
    """Slots grow where a text needs it, and those beside it keep what they hold."""
    asked = [*prompts(2, seed=7, longest=20), [5 + i % 250 for i in range(300)]]
    engine = opened()
    answers = ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(asked)))
    assert answers.tokens == expected("qwen3_moe", asked)


def test_seeds_give_the_same_tokens_in_any_company(opened: Opened) -> None:
    """Sampled answers depend on the seed, not on who shares the step or on guesses."""
    asked = prompts(4, seed=8, longest=30)
    works = [
        work(i, tokens, COUNT, sampling=Sampling(temperature=0.8, top_p=0.9, seed=i))
        for i, tokens in enumerate(asked)
    ]
    alone = {each.id: ask(opened(), each)[each.id].tokens for each in works}
    engine = opened()
    engine._runner._speculation = Speculation(Oracle(alone, 3), OpenGate(), 512)
    assert ask(engine, *works).tokens == alone
    assert ask(opened(), *works, work(9, asked[0], COUNT)).tokens.items() >= alone.items()


def test_in_eight_bits_hardly_anything_changes(opened: Opened) -> None:
    """The statistics of a first token stay close; that all tokens stay is not promised."""
    asked = prompts(3, seed=9, longest=40)
    works = [work(i, tokens, 1) for i, tokens in enumerate(asked)]
    exact, rough = ask(opened(), *works), ask(opened(kv_cache_type="int8"), *works)
    for i in range(len(asked)):
        assert rough[i].wrote[0].logprob.logprob == pytest.approx(exact[i].wrote[0].logprob.logprob, abs=0.1)


def test_a_recurrent_model_is_served_one_at_a_time(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    """Its answers are right, and the log says why it is slow."""
    asked = prompts(3, seed=10, longest=40)
    engine = opened("qwen3_next", prefix_cache_mib=16)
    answers = ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(asked)))
    assert answers.tokens == expected("qwen3_next", asked)
    assert engine.load().slot_count == 1
    assert "one at a time" in caplog.text


def test_a_recurrent_state_is_kept_as_a_whole(opened: Opened) -> None:
    """The next turn of a conversation goes on from where the last one ended."""
    engine = opened("qwen3_next", prefix_cache_mib=16)
    first = [5 + 3 * i % 250 for i in range(30)]
    said = ask(engine, work(1, first, COUNT))[1].tokens
    second = [*first, *said, 9, 8, 7]
    answer = ask(engine, work(2, second, COUNT))[2]
    assert answer.began[0].cached_token_count == len(first) + COUNT - 1
    assert answer.tokens == right("qwen3_next", tuple(second))


def test_a_model_that_slots_do_not_suit_is_served_one_at_a_time(opened: Opened) -> None:
    """One that makes its own of masks is found out when it is opened, and answers as ever."""
    config = BloomConfig(vocab_size=320, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3)
    model = new_model(config)
    asked = prompts(2, seed=11, longest=20)
    engine = opened(model=model)
    answers = ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(asked)))
    assert engine.load().slot_count == 1
    assert answers.tokens == {i: generate(model, tokens, COUNT) for i, tokens in enumerate(asked)}
