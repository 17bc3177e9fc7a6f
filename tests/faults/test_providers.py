"""The fault matrix: whatever a provider does, requests end well on an allowed tier, or typed, in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.errors import RoutingError
from router.events import Outcome
from tests.backends.dialects import DIALECTS
from tests.chat_server import serve
from tests.faults.house import SOUND, answer_of, end_of, http_tier, request, routing, sound_tier
from tests.faults.provider_faults import DRIPS, FAULTS, FINAL, WRONG_LOGPROBS, lies, says_well, then


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_another_tier_answers(fault: str, dialect: str) -> None:
    """Where the policy allows a sound tier, the answer is its own, and the attempts say what was wrong."""
    spoken = DIALECTS[dialect]
    async with (
        serve(FAULTS[fault](spoken)) as url,
        routing(http_tier(url, backend=dialect, **spoken.options), sound_tier()) as router,
    ):
        result = await answer_of(router, request())
    assert (result.tier, result.text) == ("sound", SOUND)
    *failed, answered = result.attempts
    assert {(one.tier, one.outcome) for one in failed} == {("faulty", Outcome.FAILED)}
    assert len(failed) == (1 if fault in FINAL | DRIPS else 2)
    assert answered.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("fault", FAULTS)
async def test_alone_it_ends_typed(fault: str) -> None:
    """Where no other tier is allowed, the error is one of ours, in time, and repeats no prompt."""
    spoken = DIALECTS["openai_chat"]
    async with (
        serve(FAULTS[fault](spoken)) as url,
        routing(http_tier(url, **spoken.options), sound_tier()) as router,
    ):
        error = await end_of(router, request("a secret prompt", policy="first"))
    assert isinstance(error, RoutingError)
    assert error.reason in {"NO_TIER_READY", "QUEUE_FULL", "DEADLINE_EXCEEDED", "REQUEST_REFUSED"}
    assert "secret" not in str(error) + str(error.metadata)


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - FINAL - DRIPS))
async def test_a_tier_that_recovers_answers_itself(fault: str) -> None:
    """A fault that passes costs a second call to the same tier, and no dearer one."""
    async with (
        serve(then(FAULTS[fault](DIALECTS["openai_chat"]), says_well())) as url,
        routing(http_tier(url, logprobs=True), sound_tier()) as router,
    ):
        result = await answer_of(router, request())
    assert (result.tier, result.text, len(result.attempts)) == ("faulty", "well", 2)


@pytest.mark.parametrize("wrong", WRONG_LOGPROBS)
async def test_wrong_log_probabilities_fail_nothing(wrong: str) -> None:
    """They end in an answer, and one that claims to be surer than sure is not believed."""
    async with (
        serve(lies(WRONG_LOGPROBS[wrong])) as url,
        routing(http_tier(url, logprobs=True), sound_tier()) as router,
    ):
        result = await answer_of(router, request())
    assert result.text in {"yes", SOUND}
    if wrong == "positive":
        assert result.tier == "sound"


async def test_nobody_listens() -> None:
    """A provider that is gone altogether is the same as one that fails."""
    async with serve(lies(b"")) as url:
        pass
    async with routing(http_tier(url), sound_tier()) as router:
        result = await answer_of(router, request())
    assert [one.reason for one in result.attempts[:2]] == ["unavailable", "unavailable"]
    assert result.tier == "sound"


async def test_a_provider_that_comes_back_is_asked_again() -> None:
    """A tier that died is left alone, and takes part again by itself once it answers."""
    is_up = False
    down, well = FAULTS["500"](DIALECTS["openai_chat"]), says_well()

    async def script(body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        await (well if is_up else down)(body, writer)

    async with (
        serve(script) as url,
        routing(http_tier(url, logprobs=True), sound_tier()) as router,
    ):
        for _ in range(20):
            result = await answer_of(router, request())
            assert result.tier == "sound"
        assert result.skipped == {"faulty": "circuit_open"}
        is_up = True
        async with asyncio.timeout(60.0):
            while result.tier == "sound":
                await asyncio.sleep(0.02)
                result = await answer_of(router, request())
    assert result.text == "well"
