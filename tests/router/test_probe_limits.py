"""What probes may cost and take, and that they stop with their request."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.probes.judge import Judge, JudgeOptions
from policies.probes.p_true import PTrue, PTrueOptions
from policies.probes.samples import Samples, SamplesOptions
from router.errors import BudgetExhausted
from router.request import Constraints
from router.tiers import Limits
from tests.router.conftest import ask
from tests.router.probed import JUDGE, SAMPLES, SEVEN, TOP, house
from tests.router.scripted_model import PRICE, scripted


async def test_a_probe_as_dear_as_the_next_tier_is_not_asked() -> None:
    """The judge's question is long: where the answers are short, asking the tier itself costs less."""
    edge, local = scripted("edge", SEVEN), scripted("local", SEVEN, price=2 * PRICE)
    assert (await house(edge, local, probes=(JUDGE,)).result(ask())).attempts[0].probes == ()


async def test_costs_add_up() -> None:
    """A probe's tokens and money are in the attempt's report and in the request's sums."""
    asked = house(scripted("edge", SEVEN), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    result = await asked.result(ask("two words"))
    (report,) = result.attempts
    assert (report.usage.output_token_count, report.probes[0].usage.output_token_count) == (4, 8)
    assert (report.answer_cost_usd_micros, report.probes[0].cost_usd_micros) == (6, 12)
    assert (result.cost_usd_micros, result.usage.input_token_count) == (18, 6)


async def test_cancellation_reaches_every_sample_and_books_it() -> None:
    """A caller who hangs up stops all of them, and what they read is on the account."""
    edge, model = scripted("edge", SEVEN, "stall")
    asked = house((edge, model), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))

    async def consume() -> None:
        async with aclosing(asked.router().run(ask("two words"))) as events:
            async for _ in events:
                pass

    task = asyncio.create_task(consume())
    await model.stalled.wait()
    while model.running < 2:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert model.running == 0
    assert edge.gate.in_flight_count == 0
    (entry,) = asked.journal.entries
    assert (entry.error_reason, entry.attempts[0].probes[0].outcome) == ("CANCELLED", "cancelled")
    assert entry.attempts[0].probes[0].usage.input_token_count == 4


async def test_a_probe_that_stalls_leaves_time_to_shift_up() -> None:
    """The deadline is the request's: samples that hang are cut off and the next tier answers in time."""
    asked = house(scripted("edge", SEVEN, "stall"), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    result = await asked.result(ask(timeout_s=0.3))
    assert (result.tier, result.attempts[0].probes[0].outcome) == ("frontier", "silent")


async def test_a_probe_that_takes_too_long_is_not_begun() -> None:
    """Where its tier's usual answer would not be there in time, nothing is asked."""
    edge, model = scripted("edge", SEVEN)
    edge.limits = Limits(typical_latency_s=5.0)
    asked = house((edge, model), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    assert (await asked.result(ask(timeout_s=2.0))).attempts[0].probes == ()
    assert len(model.asked) == 1


async def test_money_for_the_next_tier_is_kept() -> None:
    """A probe that would leave too little to shift up with is not asked."""
    edge, model = scripted("edge", SEVEN)
    asked = house((edge, model), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    enough = 6 + 50 * (2 + 8)
    result = await asked.result(ask("two words", constraints=Constraints(max_cost_usd_micros=enough)))
    assert (result.tier, len(model.asked)) == ("frontier", 1)


@settings(max_examples=60, deadline=None)
@given(
    money=st.integers(0, 3000),
    prices=st.tuples(st.integers(0, 5), st.integers(0, 50), st.integers(0, 200)),
    length=st.integers(1, 30),
    count=st.integers(1, 5),
    run=st.sampled_from(["if_useful", "always"]),
)
def test_money_is_never_overspent(
    money: int, prices: tuple[int, int, int], length: int, count: int, run: Literal["if_useful", "always"]
) -> None:
    """Whatever prices, lengths and probes: answers, samples and judges together stay within the budget."""
    names = ("edge", "local", "frontier")
    models = [
        scripted(name, "word " * length + SEVEN, price=price * PRICE)
        for name, price in zip(names, prices, strict=True)
    ]
    probes = (
        Samples(SamplesOptions(count=count, run=run)),
        PTrue(PTrueOptions(run=run)),
        Judge(JudgeOptions(tier="local", run=run)),
    )
    asked = house(*models, probes=probes)
    try:
        result = asyncio.run(asked.result(ask(constraints=Constraints(max_cost_usd_micros=money))))
    except BudgetExhausted:
        return
    assert result.cost_usd_micros <= money


async def test_probes_do_not_close_what_was_open() -> None:
    """With any budget, a cascade with probes ends at a tier that it reaches without them, or below."""
    for money in range(10, 800, 37):
        tiers = []
        for probes in ((), (SAMPLES,)):
            models = scripted("edge", SEVEN, "The answer is 8"), scripted(*TOP, price=50 * PRICE)
            asked = house(*models, probes=probes)
            limit = Constraints(max_cost_usd_micros=money)
            tiers.append((await asked.result(ask("two words", constraints=limit))).tier)
        assert tiers[0] == tiers[1]
