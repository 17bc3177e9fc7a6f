"""The configuration: looked at, checked, tried on recorded traffic, and put into service.

Changes go the way of the admin service: by ETag, all or nothing, kept as versions, written to the audit log.
"""

from __future__ import annotations

import asyncio
from difflib import unified_diff
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from router.config.problems import ConfigError
from router.errors import RoutingError
from router.live.fixed import refuse_restart
from router.live.redact import MASK, check_nothing_is_redacted, redacted
from router.live.reloader import Change, Terms
from router.ui.doors import SESSION_KEY
from router.ui.peer import peer_of
from router.ui.reply import Sent, body_of, read, refusal, refused
from router.ui.simulation import NotSimulated, simulated
from router.ui.sources import Sources
from router.ui.view import View


class Draft(Sent):
    """A text of a configuration."""

    content: str


class Trial(Sent):
    """A policy of a text to be simulated, in place of the one called ``against``."""

    content: str
    policy: str
    against: str = ""


class Wish(Sent):
    """A text that is to be served in place of the one that ``etag`` names."""

    content: str
    etag: str
    allow_unready_tiers: bool = False


class Return(Sent):
    """A version that is to be served again in place of what ``etag`` names."""

    version: int
    etag: str


class PolicyPage:
    """An editor and what it asks."""

    def __init__(self, sources: Sources, view: View) -> None:
        self._sources = sources
        self._view = view
        self._simulating = asyncio.Lock()
        self.routes = (
            Route("/policy", self.show, methods=["GET"]),
            Route("/policy/versions", self.versions, methods=["GET"]),
            Route("/policy/check", self.check, methods=["POST"]),
            Route("/policy/simulate", self.simulate, methods=["POST"]),
            Route("/policy/apply", self.apply, methods=["POST"]),
            Route("/policy/rollback", self.roll_back, methods=["POST"]),
        )

    async def show(self, request: Request) -> Response:
        """Show what is served, secrets masked."""
        reloader = self._sources.reloader
        content = await asyncio.to_thread(redacted, reloader.served)
        self._note(request, "GetConfig", "OK")
        return self._view.page(
            request,
            "policy",
            content=content,
            has_masks=MASK in content,
            served_s=reloader.last_success_s,
            policies=[policy.name for policy in self._sources.config.policies],
            versions=await self._versions(),
            has_journal=self._sources.history.exists,
        )

    async def versions(self, request: Request) -> Response:
        """Show the versions alone."""
        return self._view.part(
            request,
            "policy_versions",
            versions=await self._versions(),
            etag=self._sources.reloader.served.etag,
        )

    async def check(self, request: Request) -> Response:
        """Say what is wrong with a text, and how it differs from what is served."""
        try:
            draft = read(Draft, await body_of(request))
        except RoutingError as error:
            return refused(error)
        served = self._sources.reloader.served
        shown = await asyncio.to_thread(redacted, served)
        problems, policies = await asyncio.to_thread(self._problems, draft.content)
        difference = await asyncio.to_thread(_difference, shown, draft.content)
        return JSONResponse(
            {"problems": problems, "policies": policies, "diff": difference, "etag": served.etag}
        )

    async def simulate(self, request: Request) -> Response:
        """Hold a policy of a text against one that served; one at a time."""
        try:
            trial = read(Trial, await body_of(request))
            async with self._simulating:
                found = await simulated(self._sources, trial.content, trial.policy, trial.against or None)
        except RoutingError as error:
            return refused(error)
        except NotSimulated as exc:
            return JSONResponse({"reason": "NOT_SIMULATED", "message": str(exc), "fields": []}, 422)
        self._note(request, "Simulate", "OK", policy=trial.policy)
        return self._view.part(request, "policy_simulation", found=found)

    async def apply(self, request: Request) -> Response:
        """Serve a text."""
        try:
            wish = read(Wish, await body_of(request))
        except RoutingError as error:
            return refused(error)
        terms = Terms(request.scope[SESSION_KEY].by, wish.etag, wish.allow_unready_tiers)
        change = self._sources.reloader.update(wish.content, terms)
        return await self._changed(request, "UpdateConfig", change, {"etag": wish.etag})

    async def roll_back(self, request: Request) -> Response:
        """Serve an earlier version again."""
        try:
            wish = read(Return, await body_of(request))
        except RoutingError as error:
            return refused(error)
        terms = Terms(request.scope[SESSION_KEY].by, wish.etag)
        change = self._sources.reloader.rollback(wish.version, terms)
        asked = {"etag": wish.etag, "version": wish.version}
        return await self._changed(request, "RollbackConfig", change, asked)

    async def _changed(self, request: Request, what: str, change: Any, asked: dict[str, Any]) -> Response:
        try:
            done: Change = await change
        except ConfigError as exc:
            self._note(request, what, "CONFIG_INVALID", asked=asked)
            problems = [_problem(one.position.line, one.key, one.message) for one in exc.problems]
            answer = {"reason": "CONFIG_INVALID", "message": "the configuration has problems"}
            return JSONResponse({**answer, "problems": problems, "fields": []}, 400)
        except RoutingError as error:
            self._note(request, what, error.reason, asked=asked)
            return refused(error, 409)
        self._note(request, what, "OK", asked=asked, done={"etag": done.etag, "version": done.version})
        exchange = done.exchange
        tiers = {"kept": exchange.kept, "started": exchange.started, "closed": exchange.closed}
        return JSONResponse({"etag": done.etag, "version": done.version, "tiers": tiers})

    def _problems(self, content: str) -> tuple[list[dict[str, Any]], list[str]]:
        """What is wrong with ``content``, and the policies that it has where nothing is."""
        reloader = self._sources.reloader
        try:
            written = reloader.parsed(content)
        except ConfigError as exc:
            return [_problem(one.position.line, one.key, one.message) for one in exc.problems], []
        problems = []
        try:
            check_nothing_is_redacted(content)
            refuse_restart(reloader.served.config, written.config)
        except RoutingError as error:
            fields = refusal(error)["fields"] or [{"field": "", "message": str(error)}]
            problems = [_problem(None, one["field"], one["message"], blocks=False) for one in fields]
        return problems, [policy.name for policy in written.config.policies]

    async def _versions(self) -> list[Any]:
        return list(reversed(await asyncio.to_thread(self._sources.reloader.versions)))[:20]

    def _note(self, request: Request, what: str, outcome: str, **more: object) -> None:
        self._sources.note(what, request.scope[SESSION_KEY].by, outcome, peer_of(request), **more)


def _problem(line: int | None, key: str, message: str, *, blocks: bool = True) -> dict[str, Any]:
    """One thing that is wrong; ``blocks`` False: it can be simulated, only not served now."""
    return {"line": line, "key": key, "message": message, "blocks": blocks}


def _difference(before: str, after: str) -> list[str]:
    lines = unified_diff(before.splitlines(), after.splitlines(), "served", "edited", lineterm="", n=3)
    return list(lines)
