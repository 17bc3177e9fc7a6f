"""Audits: kept answers held against the top tier's, without anybody waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from backends.tools import Tool, Toolbox
from policies.certified import Certified, CertifiedOptions
from policies.difficulty.heuristic import HeuristicDifficulty
from policies.guarantee.certificate import Agreement, Setting
from policies.guarantee.monitor import Standing
from policies.guarantee.split import share_of
from policies.registry import SIGNALS
from router.assess import Assessor
from router.audit import Auditor
from router.certificates.warrant import Warrant
from router.conversations import Conversations
from router.core import Router
from router.events import Result
from router.journal import Audit
from router.plan import Planner, Route
from router.request import Constraints, Request
from router.tiers import Tier
from tests.policies.guarantee.certificates import certificate
from tests.router.conftest import SURE, UNSURE, ListJournal, MeanProbability, ask, echo_tier

RATE = 0.25
# The coin falls on audit for the first two names, and not for the third.
NAMES = [name for name in map(str, range(1000)) if share_of(name, "upshift.audit") < RATE]
NOT_CHOSEN = next(
    name for name in map(str, range(1000)) if share_of(name, "upshift.audit") >= 4 * RATE * 0.99
)


class AuditedJournal(ListJournal):
    """Keeps audits too, and knows every request."""

    def __init__(self) -> None:
        super().__init__()
        self.audits: list[Audit] = []

    def audit(self, audit: Audit) -> None:
        """Keep the audit."""
        self.audits.append(audit)

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Take it."""
        return False


@dataclass
class House:
    """A certified router over two tiers."""

    tiers: list[Tier]
    options: dict[str, Any] = field(default_factory=dict)
    constraints: Constraints = field(default_factory=Constraints)
    journal: AuditedJournal = field(default_factory=AuditedJournal)

    def __post_init__(self) -> None:
        rule = Certified(CertifiedOptions(max_loss=0.02, audit_rate=RATE, **self.options))
        setting = Setting(tuple(tier.name for tier in self.tiers), (20.0, 1000.0), 0.004)
        given = certificate(setting=setting, agreement=Agreement(0.0, 1.0, loss_where_different=0.5))
        self.warrant = Warrant(rule, (given,), given.rests_on, lambda: 1500.0)
        self.route = Route("default", rule, tuple(self.tiers), self.constraints, warrant=self.warrant)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Router]:
        """A started router; its tiers are ready."""
        clock = asyncio.get_running_loop().time
        estimator = HeuristicDifficulty.for_ladder([tier.name for tier in self.tiers], output_token_count=4)
        assessor = Assessor([SIGNALS.load(name)() for name in SIGNALS.names()], MeanProbability())
        self.auditor = Auditor(self.journal, clock)
        conversations = Conversations(clock)
        planner = Planner([self.route], estimator, conversations=conversations)
        router = Router(
            self.tiers,
            planner,
            assessor,
            self.journal,
            clock,
            self.auditor,
            conversations=conversations,
        )
        await router.start()
        try:
            yield router
        finally:
            await router.close()

    async def audits(self, count: int) -> list[Audit]:
        """The first audits that are told."""
        async with asyncio.timeout(30):
            while len(self.journal.audits) < count:
                await asyncio.sleep(0.001)
        return self.journal.audits


async def answer(router: Router, request: Request) -> Result:
    async with aclosing(router.run(request)) as events:
        last = [event async for event in events][-1]
    assert isinstance(last, Result)
    return last


def ladder(
    edge: str = "The answer is 4.", top: str = "The answer is 4.", logprob: float = SURE
) -> list[Tier]:
    return [
        echo_tier("edge", price=1_000, reply=edge, logprob=logprob, tools=True),
        echo_tier("top", price=10_000_000, reply=top, logprob=SURE, tools=True),
    ]


async def test_a_request_with_tools_is_not_covered() -> None:
    """No case of the test had any, so the top tier answers."""
    house = House(ladder())
    request = ask()
    asked = replace(request, prompt=replace(request.prompt, tools=Toolbox((Tool("now"),))))
    async with house.open() as router:
        result = await answer(router, asked)
    assert (result.tier, result.certificate_id) == ("top", None)


async def test_under_a_certificate_no_conversation_keeps_its_tier() -> None:
    """It was tested on requests that start where the policy likes."""
    house = House(ladder(logprob=UNSURE))
    async with house.open() as router:
        assert (await answer(router, ask(session="chat"))).tier == "top"
        again = await answer(router, ask(id="other", session="chat"))
    assert [report.tier for report in again.attempts] == ["edge", "top"]


async def test_a_request_that_shows_less_than_was_tested_is_not_covered() -> None:
    """Stand-ins that the policy does not use itself change what tiers read, so the top tier answers."""
    house = House(ladder())
    async with house.open() as router:
        assert (await answer(router, ask(constraints=Constraints(redact=True)))).tier == "top"
        assert (await answer(router, ask(id="other"))).tier == "edge"


async def test_a_kept_answer_that_the_top_bears_out_counts_as_no_loss() -> None:
    """The audit runs behind the answer's back, with its propensity and its own cost on record."""
    house = House(ladder())
    async with house.open() as router:
        result = await answer(router, ask(id=NAMES[0]))
        (audit,) = await house.audits(1)
    assert (result.tier, result.certificate_id) == ("edge", house.warrant.statuses()[0].id)
    assert (audit.request_id, audit.propensity, audit.agreed, audit.loss) == (NAMES[0], RATE, True, 0.0)
    assert audit.cost_usd_micros > result.cost_usd_micros
    assert house.warrant.statuses()[0].audit_count == 1


async def test_a_difference_counts_as_it_did_in_calibration() -> None:
    """Nobody says which of the two is right, but half of such differences were losses."""
    house = House(ladder(edge="The answer is 5."))
    async with house.open() as router:
        await answer(router, ask(id=NAMES[0]))
        (audit,) = await house.audits(1)
    assert (audit.agreed, audit.loss, audit.grounds) == (False, 0.5, "expected")


@pytest.mark.parametrize(("score", "loss"), [(0.0, 1.0), (0.5, 0.0), (1.0, -1.0)])
async def test_feedback_settles_a_difference(score: float, loss: float) -> None:
    """Where the policy waits for labels, the comparison of the two answers is what counts."""
    house = House(ladder(edge="The answer is 5."), {"label_wait_s": 60.0})
    async with house.open() as router:
        await answer(router, ask(id=NAMES[0]))
        async with asyncio.timeout(30):
            while not house.auditor._ungraded:
                await asyncio.sleep(0.001)
        await router.feedback(NAMES[0], 0.3, "user")
        assert house.journal.audits == []
        await router.feedback(NAMES[0], score, "audit")
        (audit,) = await house.audits(1)
    assert (audit.loss, audit.grounds) == (loss, "feedback")


async def test_audits_are_told_in_order_whoever_is_first_done() -> None:
    """One that waits for its label holds back those behind it, so that order says nothing of outcome."""
    house = House(ladder(edge="The answer is 5."), {"label_wait_s": 60.0})
    async with house.open() as router:
        await answer(router, ask(id=NAMES[0]))
        await answer(router, ask(id=NAMES[1]))
        async with asyncio.timeout(30):
            while len(house.auditor._ungraded) < 2:
                await asyncio.sleep(0.001)
        await router.feedback(NAMES[1], 0.5, "audit")
        assert house.journal.audits == []
        await router.feedback(NAMES[0], 0.0, "audit")
        told = await house.audits(2)
    assert [audit.request_id for audit in told] == NAMES[:2]


async def test_an_escalated_request_is_an_audit_for_free() -> None:
    """Its loss is 0; its rejected answer tells whether predictions of agreement still hold."""
    house = House(ladder(logprob=UNSURE))
    async with house.open() as router:
        result = await answer(router, ask(id=NAMES[0]))
        (audit,) = await house.audits(1)
    assert result.tier == "top"
    assert (audit.grounds, audit.loss, audit.cost_usd_micros) == ("top_served", 0.0, 0)
    (monitor,) = house.warrant._monitors.values()
    assert (monitor.paid.count, monitor.free.count) == (1, 1)


async def test_the_coin_spares_most() -> None:
    """Names that it does not choose cost nothing more."""
    house = House(ladder())
    async with house.open() as router:
        await answer(router, ask(id=NOT_CHOSEN))
        await answer(router, ask(id=NAMES[0]))
        told = await house.audits(1)
    assert [audit.request_id for audit in told] == [NAMES[0]]


async def test_a_top_tier_that_fails_its_audit_is_no_proof_of_innocence() -> None:
    """What was expected of the kept answer counts, not nothing."""
    tiers = ladder()
    house = House(tiers)
    async with house.open() as router:
        result = await answer(router, ask(id=NOT_CHOSEN))
        assert result.tier == "edge"
        tiers[1].limits = replace(tiers[1].limits, timeout_s=0.0)
        await answer(router, ask(id=NAMES[0]))
        (audit,) = await house.audits(1)
    assert (audit.agreed, audit.grounds) == (None, "expected")
    assert 0.0 < audit.loss < 0.5


async def test_disagreements_end_the_certificate_and_the_top_takes_over() -> None:
    """The loop closes: answers, audits, alarm, and always the top from then on."""
    house = House(ladder(edge="The answer is 5."))
    async with house.open() as router:
        for number, name in enumerate(NAMES[:60], start=1):
            result = await answer(router, ask(id=name))
            if result.tier == "top":
                break
            await house.audits(number)
        assert (result.tier, result.certificate_id) == ("top", None)
    assert house.warrant.statuses()[0].standing is Standing.FALLBACK


@pytest.mark.parametrize(
    "disturbed",
    [
        Constraints(allowed_tiers=frozenset({"edge"})),
        Constraints(max_attempt_count=1),
        Constraints(min_confidence=0.1),
    ],
    ids=["tiers", "attempts", "floor"],
)
async def test_requests_unlike_those_tested_are_not_covered(disturbed: Constraints) -> None:
    """They are answered, but no certificate is claimed for them and none is audited."""
    house = House(ladder())
    async with house.open() as router:
        result = await answer(router, ask(id=NAMES[0], constraints=disturbed))
    assert result.certificate_id is None
    assert house.journal.audits == []


async def test_audits_that_pile_up_are_dropped_before_the_coin() -> None:
    """A full queue drops kept and escalated requests alike."""
    house = House(ladder())
    async with house.open() as router:
        waiting = house.auditor._queue
        house.auditor._queue = asyncio.Queue(1)
        house.auditor._queue.put_nowait(None)  # type: ignore[arg-type]
        await answer(router, ask(id=NAMES[0]))
        house.auditor._queue = waiting
    assert house.auditor.dropped_count == 1
