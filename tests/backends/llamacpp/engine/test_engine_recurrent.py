"""Models whose memory is one state: it can be copied but not taken back a few tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.engine.engine import Engine
from backends.types import Caller
from tests.backends.llamacpp.engine.driving import Answers, alone, ask, finish, prompts, work
from tests.backends.llamacpp.engine.recurrent import save_recurrent

Opened = Callable[..., Engine]
SYSTEM = [5 + i * 7 % 240 for i in range(100)]


@pytest.fixture(scope="module")
def recurrent_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Mamba."""
    return save_recurrent(tmp_path_factory.mktemp("recurrent") / "model.gguf")


def test_batches_and_preempts_as_others_do(opened: Opened, recurrent_gguf: Path) -> None:
    """Copying the whole state is all that this needs."""
    engine = opened(recurrent_gguf)
    works = [work(i, tokens, 30) for i, tokens in enumerate(prompts(6))]
    urgent = work(9, [7] * 40, caller=Caller(priority=1))
    expected = alone(engine, *works, urgent)
    answers = Answers()
    for each in works:
        engine.submit(each)
    while engine.load().running_count < 4:
        answers.note(engine.step())
    engine.submit(urgent)
    assert finish(engine, answers).tokens == expected
    assert engine.load().preemption_count == 1


def test_a_whole_prefix_is_taken_up_and_a_part_is_not(opened: Opened, recurrent_gguf: Path) -> None:
    """A conversation goes on from where it was; another answer to the same prompt reads it again."""
    engine, plain = opened(recurrent_gguf, prefix_cache_mib=8), opened(recurrent_gguf)
    first = ask(engine, work(1, SYSTEM, 10))[1]
    turn = work(2, [*SYSTEM, *first.tokens, 11, 12], 10)
    second = ask(engine, turn)[2]
    assert second.began[0].cached_token_count == 100 + 9
    assert second.tokens == alone(plain, turn)[2]
    again = ask(engine, work(3, SYSTEM, 10))[3]
    assert again.began[0].cached_token_count == 0
    assert again.tokens == first.tokens


def test_an_aborted_step_reads_all_anew(
    opened: Opened, recurrent_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was half computed cannot be taken back, so it is dropped."""
    engine = opened(recurrent_gguf)
    works = [work(i, tokens, 10) for i, tokens in enumerate(prompts(3))]
    expected = alone(engine, *works)
    decode, calls = engine._batch.decode, iter(range(10**6))
    monkeypatch.setattr(
        engine._batch, "decode", lambda count: (decode(count), 2 if next(calls) == 9 else 0)[1]
    )
    assert ask(engine, *works).tokens == expected


def test_cannot_forget_the_middle(opened: Opened, recurrent_gguf: Path) -> None:
    """Attention sinks are refused when the model is opened."""
    with pytest.raises(Unavailable, match="attention_sink_token_count"):
        opened(recurrent_gguf, attention_sink_token_count=4)
