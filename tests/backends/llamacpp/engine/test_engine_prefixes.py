"""What is known of a prompt is not read again, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backends.llamacpp.engine.engine import Engine
from backends.types import Caller, Sampling
from tests.backends.llamacpp.engine.driving import alone, ask, work

Opened = Callable[..., Engine]
SYSTEM = [5 + i * 7 % 240 for i in range(100)]


@pytest.mark.parametrize("cache_mib", [0, 8])
def test_samples_of_one_prompt_share_one_prefill(opened: Opened, cache_mib: int) -> None:
    """Eight answers to 100 tokens read 107: each but the first computes the last token only."""
    engine = opened(prefix_cache_mib=cache_mib, sequence_count=8)
    samples = [work(i, SYSTEM, 12, sampling=Sampling(temperature=1.0, seed=i)) for i in range(8)]
    expected = alone(opened(), *samples)
    answers = ask(engine, *samples)
    assert answers.tokens == expected
    assert engine.load().read_token_count == 100 + 7
    assert engine.load().cached_token_count == 7 * 99
    assert len({tuple(tokens) for tokens in expected.values()}) > 1


def test_a_common_beginning_is_read_once(opened: Opened) -> None:
    """Requests with one system prompt and questions of their own, all at once."""
    engine = opened(prefix_cache_mib=8, batch_token_count=128)
    works = [work(i, [*SYSTEM, 9 + i, 7, 8]) for i in range(6)]
    expected = alone(opened(), *works)
    assert ask(engine, *works).tokens == expected
    assert engine.load().read_token_count == 103 + 5 * 3


def test_a_conversation_goes_on_where_it_was(opened: Opened) -> None:
    """The next turn reads only what is new: the last token that was written, and the question."""
    engine = opened(prefix_cache_mib=8)
    first = ask(engine, work(1, SYSTEM, 30))[1]
    turn = work(2, [*SYSTEM, *first.tokens, 11, 12, 13], 30)
    expected = alone(opened(), turn)[2]
    second = ask(engine, turn)[2]
    assert second.began[0].cached_token_count == 100 + 29
    assert second.tokens == expected


def test_a_cancelled_answer_leaves_its_prefix(opened: Opened) -> None:
    """A stop string ends answers by cancellation, and the next turn comes all the same."""
    engine = opened(prefix_cache_mib=8)
    engine.submit(work(1, SYSTEM, 100))
    for _ in range(8):
        engine.step()
    engine.cancel(1)
    assert ask(engine, work(2, [*SYSTEM, 9]))[2].began[0].cached_token_count == 100


def test_the_preempted_prefix_of_a_leader_is_read_by_the_next(opened: Opened) -> None:
    """Whoever waits for a prefix that is not read on comes in and reads it."""
    engine = opened(sequence_count=1, batch_token_count=16)
    engine.submit(work(1, SYSTEM))
    engine.step()
    engine.submit(work(2, SYSTEM, caller=Caller(priority=1)))
    answers = ask(engine)
    assert answers[1].tokens == answers[2].tokens
    assert engine.load().preemption_count <= 1
