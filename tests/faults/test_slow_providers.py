"""Providers that are slow now and then: a hedged call answers, and the slow one's socket is closed."""

from __future__ import annotations

import asyncio
from typing import Any

from router.events import Outcome
from tests.chat_server import serve
from tests.faults.house import answer_of, http_tier, request, routing
from tests.faults.provider_faults import says_well

HEDGED = [
    {
        "name": "default",
        "ladder": ["faulty"],
        "objective": {"rule": "fixed", "tier": "faulty"},
        "hedge": True,
    }
]


class SlowNowAndThen:
    """Answers at once, but is silent on every call after ``quick_count`` until somebody calls beside it."""

    def __init__(self, quick_count: int) -> None:
        self.calls_left = quick_count
        self.left = asyncio.Event()
        self._well = says_well()

    async def __call__(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Answer, or wait to be left."""
        self.calls_left -= 1
        if self.calls_left != -1:
            await self._well(body, writer)
            return
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


async def test_the_slow_call_is_closed_and_paid_for() -> None:
    """After enough calls a silent one gets another beside it, which answers; both are booked."""
    provider = SlowNowAndThen(quick_count=5)
    slow = {
        "retries": {"max_count": 0},
        "hedge": {"min_call_count": 5, "quantile": 0.5},
    }
    price = {"input_usd_per_million_tokens": 1000, "output_usd_per_million_tokens": 1000}
    async with serve(provider) as url:
        tier = http_tier(url, logprobs=False, read_timeout_s=5.0) | {"resilience": slow, "price": price}
        async with routing(tier, policies=HEDGED) as router:
            for _ in range(5):
                assert len((await answer_of(router, request())).attempts) == 1
            result = await answer_of(router, request())
            async with asyncio.timeout(30.0):
                await provider.left.wait()
    lost, kept = result.attempts
    assert (lost.outcome, lost.reason, kept.outcome) == (Outcome.FAILED, "hedge_lost", Outcome.ACCEPTED)
    assert result.cost_usd_micros == lost.cost_usd_micros + kept.cost_usd_micros
    assert lost.cost_usd_micros == 1000 * lost.usage.input_token_count > 0
