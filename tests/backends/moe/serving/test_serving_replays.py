"""Engines whose steps are recorded and replayed write what they would have written anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from backends.moe.serving.engine import MoeEngine
from backends.moe.serving.replays import Recorder, Replays
from tests.backends.moe.families import generate, model_of
from tests.backends.moe.serving.conftest import Opened
from tests.backends.moe.serving.tape import Tape
from tests.backends.serving.driving import ask, prompts, work

FAMILY, COUNT = "qwen3_moe", 12


@pytest.fixture(autouse=True)
def experts_that_ask_nothing() -> Iterator[None]:
    """Eager experts wait for the device."""
    model = model_of(FAMILY)
    model.set_experts_implementation("batched_mm")
    yield
    model.set_experts_implementation("eager")


class Taping:
    """Records tapes, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
        self.count += 1
        tape = Tape()
        with torch.inference_mode(), tape:
            logits = step()

        def replay() -> torch.Tensor:
            with torch.inference_mode():
                tape.replay()
            return logits

        return replay


def replaying(opened: Opened, recorder: Recorder, **options: Any) -> MoeEngine:
    engine = opened(FAMILY, **options)
    batch: Any = engine._runner._batch
    batch._is_static = True
    batch._replays = Replays(batch._step, batch._cache, torch.device("cpu"), recorder=recorder)
    return engine


def right(tokens: list[int], count: int = COUNT) -> list[int]:
    return generate(model_of(FAMILY), tokens, count)


def test_replayed_steps_write_the_same(opened: Opened) -> None:
    """Six answers that join and leave, in a few recorded shapes."""
    recorder, asked = Taping(), prompts(6, longest=50)
    engine = replaying(opened, recorder)
    answers = ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(asked)))
    assert answers.tokens == {i: right(tokens) for i, tokens in enumerate(asked)}
    assert 0 < recorder.count < 6


def test_graphs_end_where_the_cache_moves(opened: Opened) -> None:
    """A text that outgrows its slot gets larger tensors, in which old graphs would not write."""
    recorder, tokens = Taping(), [5 + 7 * i % 250 for i in range(244)]
    engine = replaying(opened, recorder, batch_token_count=256)
    assert ask(engine, work(0, tokens, 24)).tokens == {0: right(tokens, 24)}
    assert recorder.count == 2


def test_what_cannot_be_recorded_is_computed(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    """Answers are the same, and the log says once what they cost."""

    def refuse(step: Callable[[], torch.Tensor], device: torch.device) -> Callable[[], torch.Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing")

    asked = prompts(3, longest=20)
    engine = replaying(opened, refuse)
    answers = ask(engine, *(work(i, tokens, COUNT) for i, tokens in enumerate(asked)))
    assert answers.tokens == {i: right(tokens) for i, tokens in enumerate(asked)}
    assert sum("not recorded" in message for message in caplog.messages) == 1
