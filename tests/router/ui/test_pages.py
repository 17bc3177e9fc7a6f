"""Every page renders, with and without anything to show, and nothing that people wrote is taken for HTML."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from policies.guarantee.certificate import EVERYTHING
from policies.guarantee.monitor import Standing
from router.certificates.warrant import CertificateStatus
from router.errors import BudgetExhausted
from router.journal import browse
from router.live.core import LiveRouter
from router.request import Constraints
from router.ui.pages.quality import QualityPage
from router.ui.view import View
from tests.router.ui.house import EVIL, House, housed

PAGES = ("", "overview", "quality", "tiers", "tenants", "requests", "playground", "policy")
PARTS = ("overview/live", "quality/charts", "tiers/live", "policy/versions")


async def settled(house: House, count: int) -> None:
    """Wait until the journal has written ``count`` requests."""
    assert house.sources.history.path is not None
    async with asyncio.timeout(30):
        while True:
            found = await house.sources.history.page(browse.Wanted(), 100, None)
            if len(found.records) >= count:
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("page", [*PAGES, *PARTS])
async def test_a_page_renders_without_traffic(house: House, page: str) -> None:
    """And says what is missing, not nothing."""
    answer = await house.client.get(f"/ui/{page}")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("page", [*PAGES, *PARTS])
async def test_a_page_renders_without_a_journal(tmp_path: Path, page: str) -> None:
    """There is no history then, and all else works."""
    async with housed(tmp_path, journal={}) as found:
        assert (await found.client.get(f"/ui/{page}")).status_code == 200


@pytest.mark.parametrize("width", ["", "0", "-1", "x", "99999999999999", "375"])
async def test_any_width_is_taken(house: House, width: str) -> None:
    """What makes no sense is put right."""
    answer = await house.client.get(f"/ui/overview/live?width={width}&window=7")
    assert answer.status_code == 200


async def test_what_people_wrote_is_no_html(house: House) -> None:
    """In prompts, answers, tags, tenants, sources of feedback, and names of models."""
    request = await house.answer(EVIL, tenant=EVIL, tags=frozenset({EVIL}))
    await settled(house, 1)
    await house.core.feedback(request.id, 1.0, EVIL)
    for page in (*PAGES, *PARTS, f"requests/{request.id}", f"requests?tenant={EVIL}&ending={EVIL}"):
        text = (await house.client.get(f"/ui/{page}")).text
        assert "<script>document" not in text, page
        assert "<img src=x" not in text, page
    shown = (await house.client.get(f"/ui/requests/{request.id}")).text
    assert shown.count("&lt;script&gt;document") >= 5


async def test_a_lost_page_does_not_echo(house: House) -> None:
    """What is not there is not said back as HTML."""
    answer = await house.client.get("/ui/requests/<script>x")
    assert answer.status_code == 404
    assert "<script>x" not in answer.text


async def test_a_request_is_told_step_by_step(house: House) -> None:
    """Both attempts, why the first one was left, signals and estimates."""
    await house.answer("riddle", "two-steps")
    await settled(house, 1)
    text = (await house.client.get("/ui/requests/two-steps")).text
    for said in ("low confidence", "accepted", "rejected", "Predicted quality", "A river: it runs."):
        assert said in text


async def test_reading_a_prompt_leaves_a_trace(house: House) -> None:
    """Who reads what people wrote is written down."""
    await house.answer("secret", "read-me")
    await settled(house, 1)
    await house.client.get("/ui/requests/read-me")
    async with asyncio.timeout(30):
        while not house.audited():
            await asyncio.sleep(0.01)
    assert [(line["what"], line["request_id"]) for line in house.audited()] == [("ReadPrompt", "read-me")]


async def test_requests_can_be_searched(house: House) -> None:
    """By tier, outcome and confidence."""
    await house.answer("hello", "sure")
    await house.answer("riddle", "unsure")
    await settled(house, 2)

    async def found(query: str) -> list[str]:
        text = (await house.client.get(f"/ui/requests?{query}")).text
        return [name for name in ("sure", "unsure") if f'/ui/requests/{name}"' in text]

    assert await found("tier=edge") == ["sure"]
    assert await found("ending=escalated") == ["unsure"]
    assert await found("min_confidence=0.995") == []
    assert await found("ending=failed") == []
    assert await found("min_confidence=x&before=-1") == ["sure", "unsure"]


async def test_the_overview_tells_of_traffic(house: House) -> None:
    """Shares, the way up, and what is saved."""
    await house.answer("hello", "a")
    await house.answer("riddle", "b")
    text = (await house.client.get("/ui/overview/live")).text
    assert "50.0 %" in text
    assert "low confidence" in text
    assert "always frontier" in text


async def test_tenants_show_budgets(tmp_path: Path) -> None:
    """As the ledger has them."""
    others = {"name": "*", "limits": {"requests_per_s": 3}}
    tenants = [{"name": "shop", "budget": {"usd_per_day": 2.5}}, others]
    async with housed(tmp_path, tenants=tenants, ledger={"path": "ledger.sqlite"}) as found:
        text = (await found.client.get("/ui/tenants")).text
    assert "shop" in text
    assert "of $2.50" in text


async def test_a_broken_journal_is_told(house: House) -> None:
    """The page stands, and says what is wrong."""
    broken = house.path.parent / "broken.sqlite"
    broken.write_bytes(b"no database" * 100)
    house.sources.history.path = broken
    for page in ("quality", "requests", "requests/x"):
        assert "cannot be read" in (await house.client.get(f"/ui/{page}")).text


async def test_a_request_that_had_no_answer_is_shown(house: House) -> None:
    """With its reason, where traffic is counted."""
    broke = Constraints(max_cost_usd_micros=0)
    with pytest.raises(BudgetExhausted):
        await house.answer("hello", "broke", constraints=broke)
    assert "BUDGET_EXHAUSTED" in (await house.client.get("/ui/overview/live")).text


class Certified:
    """A router that serves by two certificates, one of them withdrawn; all else is the one behind it."""

    def __init__(self, core: LiveRouter) -> None:
        self._core = core

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)

    def certificates(self) -> tuple[CertificateStatus, ...]:
        """How they stand."""
        holds = CertificateStatus(
            id="c" * 32,
            policy="default",
            stratum=EVERYTHING,
            standing=Standing.CERTIFIED,
            withdrawn=None,
            max_loss=0.02,
            confidence=0.95,
            expires_s=2e9,
            audit_rate=0.018,
            audit_count=123,
            alarm_progress=0.25,
        )
        return holds, replace(holds, id="d" * 32, stratum=EVIL, withdrawn="the model of tier edge changed")


async def test_certificates_are_shown_as_they_stand(tmp_path: Path) -> None:
    """What they promise, how far the evidence against them has come, and why one does not hold."""
    async with housed(tmp_path) as found:
        core: Any = Certified(found.core)
        view = View(replace(found.sources, core=core))
        page = QualityPage(replace(found.sources, core=core), view)
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        text = bytes((await page.show(Request(scope))).body).decode()
    for said in (
        "2.0 %",
        "95 % sure",
        "123, of 1.8 %",
        "25 %",
        "withdrawn",
        "the model of tier edge changed",
    ):
        assert said in text
    assert "<script>document" not in text
