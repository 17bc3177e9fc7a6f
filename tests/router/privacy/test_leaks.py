"""What must stay on this machine stays: every way out is tried, and a real server outside sees nothing."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.errors import Refused
from backends.types import Prompt
from policies.certified import Certified, CertifiedOptions
from router.attempt import Assessed, Attempt
from router.audit import Auditor
from router.certificates.served import Served
from router.certificates.warrant import Warrant
from router.collect import read_prompts
from router.collect.answer_log import AnswerLog
from router.collect.house import opened as collecting
from router.collect.run import Order, collect
from router.collect.settings import tier_prints
from router.errors import RoutingError
from router.events import Result
from router.plan import Plan
from tests import upshift_server
from tests.policies.guarantee.certificates import certificate
from tests.router.privacy.outside import SECRET, ask, configured, opened, outside, request
from tests.router.test_audit import NAMES, RATE, AuditedJournal

LOCAL: dict[str, Any] = {"constraints": {"local_only": True}}
TAGGED: dict[str, Any] = {"tags": frozenset({"pii"})}
ADDRESS = "Write to ada@example.org for me."
PRIVATE = {
    "name": "private",
    "match": {"tags": ["pii"]},
    "ladder": ["edge", "frontier"],
    "objective": {"rule": "threshold", "min_confidence": 0.9},
    "constraints": {"local_only": True},
}


def policy(name: str = "default", **objective: Any) -> dict[str, Any]:
    return {"name": name, "ladder": ["edge", "frontier"], "objective": objective}


CASCADE: dict[str, Any] = {"rule": "cascade_routing", "value_of_correct_usd": 1.0}
DEFAULT = policy(rule="threshold", min_confidence=0.9)
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "escalation": ({}, LOCAL),
    "fallback": ({"edge": {"fail": "unavailable"}}, LOCAL),
    "fallback after half an answer": ({"edge": {"fail": "timed_out", "fail_after_token_count": 2}}, LOCAL),
    "the only tier that fits": ({"edge": {"context_token_count": 1}}, LOCAL),
    "fixed": ({"policies": [policy(rule="fixed", tier="frontier")]}, LOCAL),
    "mix": ({"policies": [policy(rule="mix", weights={"frontier": 1.0})]}, LOCAL),
    "cascade routing": ({"policies": [policy(**CASCADE)]}, LOCAL),
    "arms": (
        {"policies": [policy(**CASCADE, arms=[{"tier": "frontier", "samples": 3}])]},
        LOCAL,
    ),
    "drafts": ({"policies": [policy(**CASCADE, reuse_draft=True)]}, LOCAL),
    "a judge": (
        {
            "confidence": {
                "uncalibrated": "token_probability",
                "probes": [{"probe": "judge", "tier": "frontier", "run": "always"}],
            }
        },
        LOCAL,
    ),
    "a tier asked for by name": ({}, {"constraints": {"local_only": True, "allowed_tiers": {"frontier"}}}),
    "a tag": ({"policies": [PRIVATE, DEFAULT]}, TAGGED),
    "a tag, and a policy asked for by name": (
        {"policies": [PRIVATE, DEFAULT]},
        TAGGED | {"constraints": {"policy": "default"}},
    ),
    "a tenant's rule, and a policy asked for by name": (
        {"policies": [PRIVATE | {"match": {"tenants": ["acme"]}}, DEFAULT]},
        {"tenant": "acme", "constraints": {"policy": "default"}},
    ),
    "what is found in the prompt": (
        {"privacy": {"detect": ["email"]}, "policies": [PRIVATE, DEFAULT]},
        {"text": f"{SECRET} {ADDRESS}"},
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_no_way_leads_out(way: str) -> None:
    """Whatever the configuration and whatever fails, the request is answered here or not at all."""
    sections, asked = WAYS[way]
    async with outside() as world, opened(configured(world, **sections)) as router:
        ended = await ask(router, request(**asked))
        assert ended.tier == "edge" if isinstance(ended, Result) else isinstance(ended, RoutingError)
    assert world.asked == []


@pytest.mark.parametrize("way", WAYS)
async def test_the_same_way_is_open_to_what_may_leave(way: str) -> None:
    """The test above proves something: but for the mark, all of these ask the server outside."""
    sections, asked = WAYS[way]
    wish = {k: v for k, v in asked.get("constraints", {}).items() if k != "local_only"}
    async with outside() as world, opened(configured(world, **sections)) as router:
        await ask(router, request(constraints=wish))
    assert world.asked


async def test_a_node_on_this_machine_is_told_and_sends_nothing_out() -> None:
    """A local node gets the mark with the request, and with samples and judges that look at its answer."""
    probes = [
        {"probe": "judge", "tier": "node", "run": "always"},
        {"probe": "samples", "run": "always", "count": 2},
    ]
    async with outside() as world:
        options = {"base_url": world.url, "model": "words", "external": True}
        async with upshift_server.serve(options, backend="openai_chat") as target:
            tiers = [
                {
                    "name": "edge",
                    "backend": "echo",
                    "options": {"reply": "The answer is 5.", "logprob": -3.0},
                },
                {"name": "node", "backend": "upshift_node", "options": {"target": target}},
            ]
            default = {**policy(rule="threshold", min_confidence=0.9), "ladder": ["edge", "node"]}
            confidence = {"uncalibrated": "token_probability", "probes": probes}
            config = configured(world, tiers=tiers, policies=[default], confidence=confidence)
            async with opened(config) as router:
                assert router.tiers()[1].external is False
                await ask(router, request(**LOCAL))
                assert world.asked == []
                await ask(router, request())
                assert world.asked


@pytest.mark.parametrize("local_only", [True, False])
async def test_an_audit_asks_nobody_outside(local_only: bool) -> None:
    """Shadow runs go through the same border, whatever the plan that they were made from says."""
    asked = replace(request(constraints={"local_only": local_only}), id=NAMES[0])
    async with outside() as world, opened(configured(world)) as router:
        journal = AuditedJournal()
        auditor = Auditor(journal, time.monotonic)
        await auditor.start()
        auditor.served(_served(router._planner.plan(asked)))
        async with asyncio.timeout(30):
            while not journal.audits:
                await asyncio.sleep(0.001)
        await auditor.close()
        assert (journal.audits[0].agreed is None) is local_only
    assert bool(world.asked) is not local_only


def _served(plan: Plan) -> Served:
    """An answer of the edge under a certificate, whose plan leads up to the tier outside."""
    rule = Certified(CertifiedOptions(max_loss=0.02, audit_rate=RATE))
    given = certificate()
    warrant = Warrant(rule, (given,), given.rests_on, lambda: 1500.0)
    permit = warrant.permit(frozenset())
    assert permit is not None
    covered = replace(plan, route=replace(plan.route, warrant=warrant))
    return Served(covered, permit, "edge", {"edge": Assessed("The answer is 5.", 0.9)})


async def test_a_prompt_that_nobody_cleared_stays() -> None:
    """A part that forgets the mark fails closed: the border knows only what may leave."""
    async with outside() as world, opened(configured(world)) as router:
        rung = router._planner.plan(request()).rungs[1]
        attempt = Attempt(1, rung, time.monotonic)
        bare = Prompt(request().prompt.messages)
        assert [text async for text in attempt.stream(bare, 5.0)] == []
        assert isinstance(attempt.error, Refused)
        assert "forty-two" not in str(attempt.error)
    assert world.asked == []


async def test_what_is_collected_on_keeps_to_the_rules(tmp_path: Path) -> None:
    """Tags of a line, and what is found in it, keep a prompt from external tiers; the others go on."""
    file = tmp_path / "prompts.jsonl"
    file.write_text(
        f'{{"prompt": "{ADDRESS}"}}\n{{"prompt": "{SECRET}"}}\n'
        f'{{"prompt": "{SECRET}", "tags": ["pii"]}}\n{{"prompt": "What is 2 + 2?"}}\n'
    )
    cases = read_prompts(file).cases
    async with outside() as world:
        config = configured(world, privacy={"detect": ["email"]}, policies=[PRIVATE, DEFAULT])
        tiers = ("edge", "frontier")
        with AnswerLog(tmp_path / "log", temperature=0.7) as log:
            log.begin(tier_prints(config, tiers))
            async with collecting(config, tiers) as router:
                ended = await collect(router, log, Order(cases, dict.fromkeys(tiers, 2)), _Nobody())
        assert ended.given_up == {}
        assert {slot.tier for slot in log.answers} == {"edge", "frontier"}
    assert [body["messages"][0]["content"] for body in world.asked] == ["What is 2 + 2?"]


async def test_what_is_collected_on_goes_out_as_it_would_be_served(tmp_path: Path) -> None:
    """A tier that any policy shows stand-ins sees no values here; one that none may ask is not asked."""
    file = tmp_path / "prompts.txt"
    file.write_text(f"{ADDRESS}\n")
    redacting = {**DEFAULT, "constraints": {"redact": True}}
    for policy_, seen in ((redacting, 1), ({**DEFAULT, "constraints": {"local_only": True}}, 0)):
        async with outside() as world:
            config = configured(world, policies=[policy_])
            with AnswerLog(tmp_path / f"log{seen}", temperature=0.7) as log:
                log.begin(tier_prints(config, ("frontier",)))
                async with collecting(config, ("frontier",)) as router:
                    await collect(router, log, Order(read_prompts(file).cases, {"frontier": 1}), _Nobody())
        assert len(world.asked) == seen
        assert "ada@example.org" not in world.seen


class _Nobody:
    def ended(self, slot: object, what: object) -> None:
        """Look away."""
