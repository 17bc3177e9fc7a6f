"""A router that plays a script: what tests of the wire stand in front of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from backends.tools import ToolCall
from backends.types import FinishReason, TokenLogprob, Usage
from policies.guarantee.monitor import Standing
from router.certificates.warrant import CertificateStatus
from router.errors import UnknownRequest
from router.events import (
    AttemptRejected,
    AttemptReport,
    AttemptStarted,
    Decided,
    EnergySource,
    EnergyUse,
    Event,
    Outcome,
    ProbeReport,
    Result,
    TextDelta,
    TierEstimate,
)
from router.request import Request
from router.resilience.breaker import Circuit
from router.resilience.guard import Health
from router.tiers import TierStatus

Script = Callable[["ScriptedRouter", Request], AsyncGenerator[Event]]

DECIDED = Decided("default", "edge", "cheapest", (TierEstimate("edge", 0.7, 1.5),), {"words": 3.0})
STARTED = AttemptStarted(1, "edge", "cheapest")
CERTIFICATE = CertificateStatus(
    "c1", "certified", "", Standing.SUSPECT, None, 0.02, 0.95, 1_800_000_000.5, 0.08, 412, 0.625
)
WITHDRAWN = replace(CERTIFICATE, id="c2", standing=Standing.FALLBACK, withdrawn="it has expired")
PROBE = ProbeReport("judge", "local", "measured", Usage(9, 1), 4, 0.0625)
REPORT = AttemptReport(
    1,
    "edge",
    Outcome.ACCEPTED,
    "confident",
    0.9,
    {"mean_logprob": -0.1},
    Usage(3, 2),
    7,
    0.25,
    0.125,
    (PROBE,),
    EnergyUse(1.5, EnergySource.MEASURED, 0.25),
)


def result(request: Request, text: str) -> Result:
    """An answer with every field filled."""
    return Result(
        request_id=request.id,
        text=text,
        reasoning="because",
        tier="edge",
        policy="default",
        confidence=0.9,
        reason="confident",
        finish_reason=FinishReason.STOP,
        attempt_number=1,
        attempts=(REPORT,),
        usage=Usage(3, 2),
        cost_usd_micros=7,
        latency_s=0.5,
        certificate_id="c1",
        energy=EnergyUse(1.5, EnergySource.MIXED),
        tool_calls=(ToolCall("call-1", "look_up", '{"city": "Bern"}'),),
        tokens=(TokenLogprob("hi", -0.5, top=(("hi", -0.5), ("ho", -2.0))),),
    )


async def echo(_: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
    """Answer with the last message, in two pieces."""
    text = request.prompt.messages[-1].content
    yield DECIDED
    yield STARTED
    yield TextDelta(1, text[:1])
    yield TextDelta(1, text[1:])
    yield result(request, text)


async def escalate(_: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
    """Retract the first attempt's text and answer with the second's."""
    yield DECIDED
    yield STARTED
    yield TextDelta(1, "wrong")
    yield AttemptRejected(1, "low_confidence", 0.25)
    yield AttemptStarted(2, "frontier", "escalated")
    yield TextDelta(2, "right")
    yield result(request, "right")


async def stall(router: ScriptedRouter, request: Request) -> AsyncGenerator[Event]:
    """Start, and go on only when the router's gate opens."""
    yield DECIDED
    yield STARTED
    router.running.set()
    try:
        await router.gate.wait()
        yield result(request, "late")
    finally:
        router.stopped.set()


def failing(error: BaseException) -> Script:
    """Start, then raise ``error``."""

    async def script(_: ScriptedRouter, __: Request) -> AsyncGenerator[Event]:
        yield DECIDED
        raise error

    return script


class ScriptedRouter:
    """Fills ``router.rpc.seam.Core``."""

    def __init__(self, script: Script = echo) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.ready = True
        self.closed = False
        self.gate = asyncio.Event()
        self.running = asyncio.Event()
        self.stopped = asyncio.Event()

    async def start(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Note it."""
        self.closed = True

    def run(self, request: Request) -> AsyncGenerator[Event]:
        """Play the script."""
        self.requests.append(request)
        return self.script(self, request)

    def decide(self, request: Request) -> Decided:
        """Decide as the script's runs do."""
        self.requests.append(request)
        return DECIDED

    def tiers(self) -> tuple[TierStatus, ...]:
        """Two tiers."""
        return (
            TierStatus("edge", "echo", "small", self.ready, False, True, 4096, 0, 0, 1, 2),
            TierStatus(
                "frontier",
                "echo",
                "large",
                self.ready,
                True,
                False,
                None,
                3_000_000,
                15_000_000,
                0,
                0,
                Health(Circuit.HALF_OPEN, 0.0, 3, 0.25, 1, 2, 3, 4),
            ),
        )

    def tier_names(self) -> frozenset[str]:
        """Their names."""
        return frozenset({"edge", "frontier"})

    def policy_names(self) -> frozenset[str]:
        """One policy."""
        return frozenset({"default"})

    def certificates(self) -> tuple[CertificateStatus, ...]:
        """One that holds and one that was withdrawn."""
        return (CERTIFICATE, WITHDRAWN)

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Know one request."""
        if request_id != "known":
            raise UnknownRequest(f"no request is called {request_id!r}", metadata={"request_id": request_id})
        return source == "again"
