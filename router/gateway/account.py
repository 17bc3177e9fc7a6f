"""Why this answer: what it cost, who gave it, and how sure that is, in headers and as an object.

Decides the names of both. ``saved_usd`` is what the top tier of the policy's ladder would have cost alone
(see ``router.saving``), less what the request cost; below 0 where that was more.
"""

from __future__ import annotations

from typing import Any

from router.events import AttemptReport, Decided, Result
from router.grounds import decision_object
from router.saving import alone_usd_micros

DEBUG_HEADER = "x-upshift-debug"
_USD_MICROS = 1_000_000


def account_headers(decided: Decided, result: Result, *, debug: bool = False) -> list[tuple[str, str]]:
    """The account as headers; what is not known is left out."""
    found = {
        "tier": result.tier,
        "policy": result.policy,
        "confidence": None if result.confidence is None else f"{result.confidence:.4f}",
        "certificate": result.certificate_id,
        "attempts": str(len(result.attempts)),
        "cost-usd": f"{result.cost_usd_micros / _USD_MICROS:.6f}",
        "saved-usd": f"{saved_usd(decided, result):.6f}",
        "overhead-ms": f"{overhead_ms(result):.3f}",
    }
    if debug:
        found["reason"] = result.reason
        found["path"] = " ".join(map(_step, result.attempts))
    return [(f"x-upshift-{name}", value) for name, value in found.items() if value is not None]


def account_object(decided: Decided, result: Result, *, debug: bool = False) -> dict[str, Any]:
    """The account as an object, for the end of a stream; ``debug`` adds every attempt and its signals."""
    found: dict[str, Any] = {
        "request_id": result.request_id,
        "tier": result.tier,
        "policy": result.policy,
        "confidence": result.confidence,
        "certificate": result.certificate_id,
        "attempts": len(result.attempts),
        "cost_usd": result.cost_usd_micros / _USD_MICROS,
        "saved_usd": saved_usd(decided, result),
        "overhead_ms": overhead_ms(result),
    }
    if debug:
        found["reason"] = result.reason
        found["decision"] = decision_object(decided)
        found["path"] = [_attempt(report) for report in result.attempts]
        found["skipped_tiers"] = dict(result.skipped)
    return found


def saved_usd(decided: Decided, result: Result) -> float:
    """What always asking the top tier would have cost, less what all attempts did, in US dollars."""
    alone = alone_usd_micros(decided.estimates[-1].tier, decided, result.attempts)
    return (alone - result.cost_usd_micros) / _USD_MICROS


def overhead_ms(result: Result) -> float:
    """The time that no attempt and no probe took."""
    upstream_s = sum(
        report.latency_s + sum(probe.latency_s for probe in report.probes) for report in result.attempts
    )
    return max(0.0, result.latency_s - upstream_s) * 1000


def _step(report: AttemptReport) -> str:
    sure = "" if report.confidence is None else f":{report.confidence:.2f}"
    return f"{report.tier}={report.reason}{sure}"


def _attempt(report: AttemptReport) -> dict[str, Any]:
    return {
        "tier": report.tier,
        "outcome": report.outcome.value,
        "reason": report.reason,
        "confidence": report.confidence,
        "signals": dict(report.signals),
        "cost_usd": report.cost_usd_micros / _USD_MICROS,
        "latency_ms": report.latency_s * 1000,
    }
