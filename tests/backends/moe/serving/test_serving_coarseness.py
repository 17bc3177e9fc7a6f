"""Answers tell how much of them experts of few bits computed."""

from __future__ import annotations

import pytest

from backends.moe.experts.function import experts_of
from backends.moe.serving.engine import MoeEngine
from backends.serving.speculation.speculation import Speculation
from backends.serving.work import Wrote
from tests.backends.moe.conftest import Offloaded, Saved
from tests.backends.moe.serving.conftest import Opened
from tests.backends.serving.driving import ask, work
from tests.backends.serving.oracle import OpenGate, Oracle

PROMPT = [5, 6, 7, 8] * 6


def masses(wrote: list[Wrote]) -> list[float]:
    """The little mass of each token, all of which have one."""
    told = [each.logprob.little_mass for each in wrote]
    found = [mass for mass in told if mass is not None]
    assert len(found) == len(told)
    return found


def accounts(engine: MoeEngine, model: object) -> list[tuple[list[float], list[float]]]:
    """Of each step that writes, what its answers tell and what the experts' own account says."""
    experts = experts_of(model)  # type: ignore[arg-type]
    assert experts is not None
    found = []
    while engine.has_work:
        wrote = [event for event in engine.step() if isinstance(event, Wrote)]
        if wrote:
            found.append((masses(wrote), experts.little_mass.of_last_pass().tolist()))
    return found


def test_every_token_tells_what_its_pass_left_out(saved: Saved, offloaded: Offloaded, opened: Opened) -> None:
    """Each of several answers its own, as the experts' account has it."""
    model = offloaded(saved("mixtral"), weights="int4", residency="25%", little_below=1.0)
    engine = opened(model=model)
    for id_, token in ((1, 5), (2, 9), (3, 77)):
        engine.submit(work(id_, [token], 6))
    steps = accounts(engine, model)
    assert all(told == pytest.approx(account) for told, account in steps)
    assert any(len(set(told)) > 1 for told, _ in steps)
    assert 0.0 < max(max(told) for told, _ in steps) <= 1.0


def test_a_prompt_tells_of_its_last_token(saved: Saved, offloaded: Offloaded, opened: Opened) -> None:
    """For after it the first token is drawn."""
    model = offloaded(saved("mixtral"), weights="int4", residency="25%", little_below=1.0)
    engine = opened(model=model)
    engine.submit(work(1, [5, 17, 101, 33, 9], 1))
    ((told, account),) = accounts(engine, model)
    assert len(account) == 5
    assert told == pytest.approx(account[-1:])


def test_with_guesses_every_token_has_one(saved: Saved, offloaded: Offloaded, opened: Opened) -> None:
    """Those that were guessed right, too."""
    model = offloaded(saved("mixtral"), weights="int4", residency="25%", little_below=0.3)
    known = {1: ask(opened(model=model), work(1, PROMPT, 12))[1].tokens}
    engine = opened(model=model)
    engine._runner._speculation = Speculation(Oracle(known, 3), OpenGate(), 512)
    wrote = ask(engine, work(1, PROMPT, 12))[1].wrote
    assert all(0.0 <= mass <= 1.0 for mass in masses(wrote))
    assert engine.load().drafted_token_count > 0


def test_little_experts_do_not_keep_answers_apart(
    saved: Saved, offloaded: Offloaded, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    """The trial of a model is made with whole experts: what changes from pass to pass would fail it."""
    opened(model=offloaded(saved("mixtral"), weights="int4", residency="25%", little_below=1.0))
    assert "one at a time" not in caplog.text


def test_without_tau_nothing_is_told(saved: Saved, offloaded: Offloaded, opened: Opened) -> None:
    """For then nothing is ever computed coarsely."""
    wrote = ask(opened(model=offloaded(saved("mixtral"), weights="int4")), work(1, [5], 2))[1].wrote
    assert [each.logprob.little_mass for each in wrote] == [None, None]
