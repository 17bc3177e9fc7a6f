"""Small ways to ask an engine and to note what it says."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol

from backends.errors import BackendError
from backends.serving.work import Began, Event, Failed, Work, Wrote
from backends.types import Sampling


class Engine(Protocol):
    """What all engines can do."""

    @property
    def has_work(self) -> bool: ...

    def submit(self, work: Work) -> None: ...

    def step(self) -> list[Event]: ...


@dataclass
class Answer:
    """What an engine said of one work."""

    began: list[Began] = field(default_factory=list)
    wrote: list[Wrote] = field(default_factory=list)
    error: BackendError | None = None

    @property
    def tokens(self) -> list[int]:
        return [wrote.token for wrote in self.wrote]

    @property
    def text(self) -> str:
        return "".join(wrote.logprob.text for wrote in self.wrote)


class Answers(defaultdict[int, Answer]):
    """Answers by the id of their work."""

    def __init__(self) -> None:
        super().__init__(Answer)

    @property
    def tokens(self) -> dict[int, list[int]]:
        return {key: answer.tokens for key, answer in self.items()}

    def note(self, events: list[Event]) -> None:
        for event in events:
            answer = self[event.id]
            match event:
                case Began():
                    answer.began.append(event)
                case Wrote():
                    answer.wrote.append(event)
                case Failed():
                    assert answer.error is None, "an answer fails once"
                    answer.error = event.error


def work(id: int, tokens: list[int] | range, limit: int = 20, **more: Any) -> Work:  # noqa: A002
    """Work with greedy sampling, unless ``sampling`` says otherwise."""
    sampling = more.pop("sampling", Sampling(seed=id))
    return Work(id, tuple(tokens), sampling, limit, **more)


def prompts(count: int, seed: int = 0, longest: int = 120) -> list[list[int]]:
    """Random prompts of 1 to ``longest`` tokens."""
    chance = random.Random(seed)
    return [[chance.randrange(5, 255) for _ in range(chance.randrange(1, longest + 1))] for _ in range(count)]


def finish(engine: Engine, answers: Answers | None = None) -> Answers:
    """Step until nothing is left to do."""
    answers = Answers() if answers is None else answers
    while engine.has_work:
        answers.note(engine.step())
    return answers


def ask(engine: Engine, *works: Work) -> Answers:
    """Have ``works`` done together."""
    for each in works:
        engine.submit(each)
    return finish(engine)


def alone(engine: Engine, *works: Work) -> dict[int, list[int]]:
    """Tokens of each of ``works`` when nothing else runs."""
    return {each.id: ask(engine, each)[each.id].tokens for each in works}
