"""Asking the tiers: everything once, within the tier's limits and the purse, through failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.types import Message, Prompt, Role
from router.collect.answer_log import AnswerLog
from router.collect.answers import Answer, Failure, Slot
from router.collect.cases import Case
from router.collect.errors import TierDown
from router.collect.house import opened
from router.collect.run import Ended, Order, collect
from router.collect.settings import tier_prints
from router.config import Config, parse

CASES = tuple(Case(f"c{number}", Prompt((Message(Role.USER, f"question {number}"),))) for number in range(12))


class Seen:
    """Remembers what ended."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []

    def ended(self, slot: Slot, what: Answer | Failure) -> None:
        """Take note."""
        self.slots.append(slot)


def configured(**tiers: str) -> Config:
    lines = [
        f"  - {{name: {name}, backend: echo, options: {options}, "
        "price: {output_usd_per_million_tokens: 100}}"
        for name, options in tiers.items()
    ]
    ladder = ", ".join(tiers)
    return parse(
        "version: 1\ntiers:\n" + "\n".join(lines) + "\npolicies:\n"
        f"  - {{name: default, ladder: [{ladder}], objective: {{rule: threshold, min_confidence: 0.9}}}}\n"
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AnswerLog]:
    """An empty log."""
    with AnswerLog(tmp_path / "log", temperature=0.7) as log:
        yield log


async def collected(config: Config, log: AnswerLog, **order: Any) -> tuple[Ended, Seen]:
    tiers = tuple(tier.name for tier in config.tiers)
    wanted = Order(CASES, dict.fromkeys(tiers, 3), **{"retry_delays_s": (0.0,), **order})
    seen = Seen()
    log.begin(tier_prints(config, tiers))
    async with opened(config, tiers) as router:
        return await collect(router, log, wanted, seen), seen


async def test_every_tier_answers_every_prompt_once(log: AnswerLog) -> None:
    """As it would have been served: text, signals, tokens and cost."""
    ended, seen = await collected(configured(edge="{reply: four words of answer}", top="{}"), log)
    assert ended == Ended({}, is_out_of_money=False)
    assert len(seen.slots) == len(set(seen.slots)) == 2 * len(CASES)
    answer = log.answers[Slot(CASES[0].key, "edge")]
    assert (answer.text, answer.output_token_count, answer.cost_usd_micros) == (
        "four words of answer",
        4,
        400,
    )
    assert answer.signals["logprob_mean"] == pytest.approx(-0.01)
    assert "uncalibrated" not in answer.signals


async def test_what_is_there_is_not_asked_again(log: AnswerLog) -> None:
    """A second run asks only for what the first one lacks."""
    config = configured(edge="{}")
    await collected(config, log)
    _, seen = await collected(config, log, sample_count=1)
    assert {slot.sample for slot in seen.slots} == {1}
    assert len(seen.slots) == len(CASES)
    _, seen = await collected(config, log, sample_count=1)
    assert seen.slots == []


def test_samples_are_drawn_and_the_answer_is_not() -> None:
    """The first is what would be served; each further one has its seed, the same in every run."""
    order = Order(CASES[:1], {"edge": 1}, sample_count=2, temperature=0.9)
    sampled = [prompt.sampling for _, prompt in order.slots("edge")]
    assert [sampling.temperature for sampling in sampled] == [0.0, 0.9, 0.9]
    assert sampled[1].seed != sampled[2].seed
    assert [prompt.sampling for _, prompt in order.slots("edge")] == sampled


async def test_failures_are_kept_apart_and_tried_again(log: AnswerLog) -> None:
    """They are no answers; when the tier works again, the same run goes on."""
    broken = configured(edge="{fail: refused}")
    ended, _ = await collected(broken, log)
    assert (len(log.answers), set(log.failures.values())) == (0, {Failure("REQUEST_REFUSED")})
    assert ended.given_up == {"edge": "REQUEST_REFUSED"}
    log._tiers.clear()  # the tier is mended in place: another configuration would be refused
    await collected(configured(edge="{}"), log)
    assert (len(log.answers), log.failures) == (len(CASES), {})


async def test_a_tier_that_only_fails_is_given_up_and_the_others_go_on(log: AnswerLog) -> None:
    """Ten failures in a row, not one for each of thousands of prompts."""
    ended, seen = await collected(configured(bad="{fail: unavailable}", good="{}"), log)
    assert set(ended.given_up) == {"bad"}
    counts = {tier: sum(slot.tier == tier for slot in seen.slots) for tier in ("bad", "good")}
    assert counts["good"] == len(CASES)
    assert 10 <= counts["bad"] < 13


async def test_no_answer_is_started_beyond_the_money(log: AnswerLog) -> None:
    """Three are under way before the first price is known; from then on none that might not be paid for."""
    ended, _ = await collected(configured(edge="{reply: one}"), log, max_cost_usd_micros=550)
    assert ended.is_out_of_money
    assert log.spent_usd_micros == 500
    enough, _ = await collected(configured(edge="{reply: one}"), log, max_cost_usd_micros=100 * len(CASES))
    assert (enough.is_out_of_money, len(log.answers)) == (False, len(CASES))


async def test_a_tier_that_is_down_stops_the_run_before_it_begins() -> None:
    """It names the tier: half a ladder is no label."""
    config = parse(
        "version: 1\ntiers:\n  - {name: edge, backend: llamacpp, options: {model: ./absent.gguf}}\n"
        "policies:\n  - {name: default, ladder: [edge], objective: {rule: fixed, tier: edge}}\n"
    )
    with pytest.raises(TierDown, match="edge cannot be started"):
        async with opened(config, ("edge",)):
            pass
