"""Answers of given forms, each row of a batch of its own."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema
import pytest

from backends.llamacpp.engine.engine import Engine
from backends.serving.work import Work
from backends.types import Caller, GrammarFormat, JsonSchemaFormat, RegexFormat, ResponseFormat, Sampling
from tests.backends.llamacpp.engine.driving import Answer, Answers, alone, ask, finish, prompts, work

Opened = Callable[..., Engine]
RECORD: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 10, "maximum": 99},
        "state": {"enum": ["new", "open"]},
        "code": {"type": "string", "pattern": "^[A-C]{2}$"},
    },
    "required": ["count", "state", "code"],
    "additionalProperties": False,
}
FORMS: dict[str, ResponseFormat] = {
    "schema": JsonSchemaFormat(RECORD),
    "pattern": RegexFormat(r"\d{3}-[a-f]{2,5}"),
    "grammar": GrammarFormat('root ::= "<" root ">" | [xyz]'),
}
HOT = 1.6


def keeps(kind: str, text: str) -> bool:
    """Whether ``text`` is a whole answer of that kind."""
    match kind:
        case "schema":
            return jsonschema.Draft202012Validator(RECORD).is_valid(json.loads(text))
        case "pattern":
            return bool(re.fullmatch(r"\d{3}-[a-f]{2,5}", text))
    return bool(re.fullmatch(r"(<*)[xyz](>*)", text)) and text.count("<") == text.count(">")


def asked(kind: str, count: int, **more: Any) -> list[Work]:
    return [
        work(i, tokens, 120, sampling=Sampling(temperature=HOT, seed=i), response_format=FORMS[kind], **more)
        for i, tokens in enumerate(prompts(count, seed=7))
    ]


def ended(answer: Answer) -> bool:
    return bool(answer.wrote) and answer.wrote[-1].ends


@pytest.mark.parametrize("kind", FORMS)
def test_every_answer_keeps_to_its_form(opened: Opened, kind: str) -> None:
    """Drawn by a random model at a high temperature; one that has ended is complete."""
    answers = ask(opened(), *asked(kind, 12))
    complete = [answer.text for answer in answers.values() if ended(answer)]
    assert len(complete) >= 6
    assert [text for text in complete if not keeps(kind, text)] == []


def test_each_row_has_its_own_form_and_neighbours_are_free(opened: Opened) -> None:
    """In one batch: forms are kept, and answers without one are those that they were."""
    free = [
        work(9 + i, tokens, 40, sampling=Sampling(temperature=HOT, seed=i))
        for i, tokens in enumerate(prompts(3))
    ]
    held = [
        work(i, tokens, 120, sampling=Sampling(temperature=HOT, seed=i), response_format=form)
        for i, (tokens, form) in enumerate(zip(prompts(3, seed=7), FORMS.values(), strict=True))
    ]
    engine = opened(sequence_count=6)
    expected = alone(engine, *free, *held)
    answers = ask(engine, free[0], held[0], free[1], held[1], free[2], held[2])
    assert answers.tokens == expected
    assert all(keeps(kind, answers[i].text) for i, kind in enumerate(FORMS) if ended(answers[i]))


def test_a_form_survives_preemption(opened: Opened) -> None:
    """Where the answer stood in its form is kept beside its state."""
    engine = opened(sequence_count=1)
    (each,) = asked("schema", 1)
    expected = ask(engine, each)[0].tokens
    answers = Answers()
    engine.submit(each)
    for _ in range(8):
        answers.note(engine.step())
    engine.submit(work(5, range(5, 20), 5, caller=Caller(priority=1)))
    finish(engine, answers)
    assert engine.load().preemption_count == 1
    assert answers[0].tokens == expected


def test_a_resumed_answer_goes_on_in_its_form(opened: Opened) -> None:
    """After the death of an engine: what was written is gone through again."""
    engine = opened()
    (each,) = asked("schema", 1)
    whole = ask(engine, each)[0].tokens
    (rest,) = asked("schema", 1, written=tuple(whole[:9]))
    assert ask(engine, rest)[0].tokens == whole[9:]


def test_a_greedy_answer_takes_the_best_that_is_allowed(opened: Opened) -> None:
    """Not the best of all, made to fit."""
    engine = opened()
    answer = ask(engine, work(1, range(5, 30), 20, response_format=RegexFormat("[ab]{8}")))[1]
    assert re.fullmatch("[ab]{8}", answer.text)
    assert len(answer.wrote) <= 9


def test_log_probabilities_are_those_among_what_is_allowed(opened: Opened) -> None:
    """They add up to 1 over the allowed tokens; a forced token is certain and has no runner-up."""
    sampling = Sampling(temperature=HOT, seed=3, top_logprob_count=20)
    form = RegexFormat("[ab][0-9]=")
    answer = ask(opened(), work(1, range(5, 30), 9, sampling=sampling, response_format=form))[1]
    letter, digit, forced = (wrote.logprob for wrote in answer.wrote[:3])
    assert sorted(text for text, _ in letter.top) == ["a", "b"]
    assert sum(math.exp(logprob) for _, logprob in digit.top) == pytest.approx(1.0, abs=1e-5)
    assert letter.entropy == pytest.approx(-sum(math.exp(p) * p for _, p in letter.top), abs=1e-5)
    assert (forced.logprob, forced.runner_up_logprob, forced.entropy) == (0.0, None, 0.0)


def test_allowed_tokens_keep_their_ratios(opened: Opened) -> None:
    """Those that the raw logits give them."""
    engine = opened()
    raw = ask(engine, work(1, range(5, 30), 1, sampling=Sampling(seed=1, top_logprob_count=50)))[1]
    letters = [
        (text, logprob) for text, logprob in raw.wrote[0].logprob.top if text.isascii() and len(text) == 1
    ]
    (one, first), (other, second) = letters[:2]
    form = GrammarFormat(f"root ::= {json.dumps(one)} | {json.dumps(other)}")
    held = ask(engine, work(2, range(5, 30), 1, sampling=Sampling(seed=1), response_format=form))[2]
    statistics = held.wrote[0].logprob
    assert statistics.runner_up_logprob is not None
    assert statistics.logprob - statistics.runner_up_logprob == pytest.approx(first - second, abs=1e-4)
