"""One answer's fault is its own: failures, cancellation, deadlines and the queue."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from backends.errors import Overloaded, Refused, TimedOut, Unavailable
from backends.moe.serving.engine import MoeEngine
from backends.moe.serving.step import Inputs
from backends.serving.scheduler import MIN_SHARED_TOKEN_COUNT
from backends.serving.work import Began
from backends.types import Caller
from tests.backends.moe.families import model_of, new_model
from tests.backends.moe.serving.conftest import Opened
from tests.backends.serving.driving import Answers, alone, ask, finish, prompts, work

FAULTS = [
    torch.OutOfMemoryError("no room"),
    MemoryError(),
    RuntimeError("a kernel died"),
    ZeroDivisionError("a model's own fault"),
]
POISON = 299


class Faulty:
    """A step in whose way a fault comes where one of its rows holds the poisonous token."""

    def __init__(self, engine: MoeEngine, fault: Exception) -> None:
        self._step = engine._runner._batch._step  # type: ignore[attr-defined]
        self._fault = fault
        engine._runner._batch._step = self  # type: ignore[attr-defined]

    def forward(self, inputs: Inputs, place: Any) -> torch.Tensor:
        if (inputs.tokens[0] == POISON).any():
            raise self._fault
        return self._step.forward(inputs, place)  # type: ignore[no-any-return]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_step_that_fails_ends_only_whom_it_concerns(opened: Opened, fault: Exception) -> None:
    """The others go on as if nothing had happened, in the same step."""
    works = [work(i, tokens, 10) for i, tokens in enumerate(prompts(3, longest=20))]
    engine = opened()
    expected = alone(engine, *works)
    Faulty(engine, fault)
    answers = ask(engine, works[0], work(9, [5, 6, POISON], 10), *works[1:])
    assert isinstance(answers[9].error, Unavailable)
    assert {i: answers[i].tokens for i in range(3)} == expected


def test_numbers_that_are_none_stay_in_their_slot(opened: Opened) -> None:
    """An answer whose logits are no numbers fails; who takes its slot next is not harmed."""
    model = new_model(model_of("qwen3_moe").config)
    with torch.no_grad():
        model.get_input_embeddings().weight[POISON] = torch.nan
    engine = opened(model=model, sequence_count=1, prefix_cache_mib=16)
    each = work(1, range(5, 9), 10)
    expected = alone(engine, each)
    answers = ask(engine, work(9, [*range(5, 25), POISON], 10), each)
    assert isinstance(answers[9].error, Unavailable)
    assert answers[1].tokens == expected[1]


def test_cancelling_takes_effect_before_the_next_step(opened: Opened) -> None:
    """Nothing more comes, also in the midst of a prompt, and the slot is free."""
    engine, answers = opened(batch_token_count=8), Answers()
    engine.submit(work(1, range(5, 100), 10))
    engine.submit(work(2, range(5, 9), 10))
    answers.note(engine.step())
    engine.cancel(1)
    engine.cancel(7)
    answers.note(engine.step())
    assert engine.load().running_count == 1
    finish(engine, answers)
    assert answers[1].tokens == []
    assert len(answers[2].tokens) == 10


def test_a_deadline_ends_an_answer_between_steps(opened: Opened) -> None:
    """By the engine's clock, running or waiting, with what was used."""
    now = [0.0]
    engine, answers = opened(sequence_count=1, clock=lambda: now[0]), Answers()
    engine.submit(work(1, range(5, 9), 50, deadline_s=2.0))
    engine.submit(work(2, range(5, 9), 50, deadline_s=1.0))
    for _ in range(3):
        answers.note(engine.step())
    now[0] = 2.0
    answers.note(engine.step())
    assert not engine.has_work
    assert isinstance(answers[1].error, TimedOut)
    assert isinstance(answers[2].error, TimedOut)
    assert answers[1].error.usage.output_token_count == len(answers[1].tokens) > 0
    assert answers[2].error.usage.output_token_count == 0


def test_turns_away_who_finds_the_queue_full(opened: Opened) -> None:
    """So memory is bounded, whatever comes."""
    engine = opened(sequence_count=1, queue_length=1)
    engine.submit(work(1, range(5, 9)))
    engine.submit(work(2, range(5, 9)))
    with pytest.raises(Overloaded, match="queue_length 1"):
        engine.submit(work(3, range(5, 9)))


def test_runs_higher_priorities_first(opened: Opened) -> None:
    """Of those who wait, the more urgent one is begun first."""
    engine, answers = opened(sequence_count=1), Answers()
    for i, priority in enumerate((1, 0, 1)):
        engine.submit(work(i, range(5, 9), 3, caller=Caller(priority=priority)))
    order: list[int] = []
    while engine.has_work:
        events = engine.step()
        answers.note(events)
        order += [event.id for event in events if isinstance(event, Began)]
    assert order == [0, 2, 1]


@pytest.mark.parametrize("tokens", [[], [5, 320], [-1, 5]])
def test_refuses_tokens_that_are_none(opened: Opened, tokens: list[int]) -> None:
    """A GPU would be lost for the process if it looked them up."""
    with pytest.raises(Refused):
        opened().submit(work(1, tokens))


def test_forgets_the_oldest_prefix_first(opened: Opened) -> None:
    """What does not fit into prefix_cache_mib goes, the least recently used first."""
    first, second, third = (range(start, start + 150) for start in (5, 100, 160))
    engine = opened(context_token_count=256)
    cache = engine._runner._prefixes._cache
    size = 3 * 2 * 2 * 8 * 4 * (150 + 1)  # layers, keys and values, heads, width, float32
    cache._byte_limit = int(2.5 * size)  # type: ignore[attr-defined]
    for i, tokens in enumerate((first, second, first, third)):
        ask(engine, work(i, tokens, 2))
    known = [ask(engine, work(10 + i, t, 2))[10 + i].began[0] for i, t in enumerate((first, second))]
    assert [began.cached_token_count for began in known] == [149, 0]


def test_what_cannot_be_copied_is_read_again(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory is short for keeping a prefix, nothing fails."""
    asked = [[5 + i % 200 for i in range(60)] + [end] for end in (7, 8)]
    engine = opened(prefix_cache_mib=16)
    works = [work(i, tokens, 5) for i, tokens in enumerate(asked)]
    expected = alone(opened(), *works)

    def read(slot: int, length: int) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(engine._runner._batch._cache, "read", read)  # type: ignore[attr-defined]
    answers = ask(engine, *works)
    assert answers.tokens == expected
    assert [answers[i].began[0].cached_token_count for i in (0, 1)] == [0, 0]


def test_two_that_begin_alike_are_read_once(opened: Opened) -> None:
    """The second waits for the first to read what both begin with, without a cache."""
    system = [5 + i % 200 for i in range(60)]
    engine = opened()
    answers = ask(engine, work(1, [*system, 7, 8], 5), work(2, [*system, 9], 5))
    shared = answers[2].began[0].cached_token_count
    assert shared >= len(system) - MIN_SHARED_TOKEN_COUNT
    assert engine.load().read_token_count == len(system) + 2 + len(system) + 1 - shared


def test_tells_what_it_measured(opened: Opened) -> None:
    """Before the first answer nothing, then what reading, a token and an answer took."""
    engine = opened()
    assert engine.load().expect(10) is None
    ask(engine, work(1, range(5, 60), 5), work(2, range(100, 110), 5))
    load = engine.load()
    assert load.read_s is not None
    assert load.answer_s is not None
    expected = load.expect(10)
    assert expected is not None
    assert expected.first_token_s > 0
    assert expected.token_s > 0
