"""Figures that grow with requests and calls, in Prometheus' conventions: seconds, ``_total``, series from 0.

Decides their names, labels and buckets. Labels are names from the configuration and stable words of the code;
tenants, ids and texts are never among them. What is so at one moment is for :mod:`router.observe.state`.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

from backends.types import Usage
from policies.reasons import Reason
from router.events import AttemptReport, EnergySource, EnergyUse, Outcome
from router.observe.bounded import Bounded
from router.observe.run import Run
from router.rpc.calls import OK, CallRecord

_OVERHEAD_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.00075, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
_LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

# Why an answer below what was asked for went out all the same.
FAIL_OPEN_REASONS = (Reason.EXHAUSTED, "over_budget", "no_attempts_left", "timed_out", "tier_failed")
ESCALATION_REASONS = (
    Reason.LOW_CONFIDENCE,
    Reason.FAILED_VALIDATION,
    Reason.ABORTED_EARLY,
    *("unavailable", "overloaded", "timed_out", "context_too_long", "refused"),
)
TOKEN_KINDS = ("input", "output", "cached_input")
_USD_MICROS = 1e-6


class Metrics:
    """Counts what it is told; everything is registered with ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, said: str, *labels: str) -> Bounded[Counter]:
            return Bounded(Counter(f"upshift_{name}", said, labels, registry=registry))

        def histogram(name: str, said: str, buckets: Iterable[float], *labels: str) -> Bounded[Histogram]:
            kind = Histogram(f"upshift_{name}", said, labels, buckets=tuple(buckets), registry=registry)
            return Bounded(kind)

        self._calls = counter("calls", "Calls at the gRPC port, by how they ended.", "method", "outcome")
        self._call_s = histogram("call_seconds", "Time of calls at the port.", _LATENCY_BUCKETS_S, "method")
        self._requests = counter("requests", "Requests, by how they ended.", "policy", "outcome")
        self._request_s = histogram("request_seconds", "Time of requests.", _LATENCY_BUCKETS_S, "policy")
        self._overhead_s = histogram(
            "overhead_seconds", "Time of requests less that of their tiers.", _OVERHEAD_BUCKETS_S, "policy"
        )
        self._decisions = counter("decisions", "First decisions.", "policy", "tier", "reason")
        self._attempts = counter("attempts", "Attempts, by what became of them.", "tier", "outcome")
        self._attempt_s = histogram("attempt_seconds", "Time of attempts.", _LATENCY_BUCKETS_S, "tier")
        self._first_s = histogram(
            "time_to_first_token_seconds", "Time to an attempt's first token.", _LATENCY_BUCKETS_S, "tier"
        )
        self._escalations = counter("escalations", "Attempts that another followed, by why.", "reason")
        self._fail_open = counter("fail_open", "Answers given though below what was asked for.", "reason")
        self._tokens = counter("tokens", "Tokens of attempts and probes.", "tier", "kind")
        self._cost_usd = counter("cost_usd", "Money that attempts and probes cost.", "tier")
        self._energy_j = counter("energy_joules", "Energy of attempts.", "tier", "source")
        self._carbon_g = counter("carbon_grams", "Carbon dioxide of attempts.", "tier", "source")

    def seed(self, tiers: Iterable[str], policies: Iterable[str], methods: Iterable[str]) -> None:
        """Let the series of these names begin at 0, so that their first step is a step."""
        for method in methods:
            self._calls.of(method, OK)
            self._call_s.of(method)
        for policy in policies:
            self._requests.of(policy, OK)
            for family in (self._request_s, self._overhead_s):
                family.of(policy)
        for tier in tiers:
            self._seed_tier(tier)
        for reason in ESCALATION_REASONS:
            self._escalations.of(reason)
        for reason in FAIL_OPEN_REASONS:
            self._fail_open.of(reason)

    def hear_call(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        self._calls.of(record.method, record.reason).inc()
        self._call_s.of(record.method).observe(record.latency_s)

    def hear_run(self, run: Run) -> None:
        """Count a request that has ended."""
        policy, decided = run.policy, run.entry.decided
        self._requests.of(policy, run.outcome).inc()
        self._request_s.of(policy).observe(run.latency_s)
        self._overhead_s.of(policy).observe(run.overhead_s)
        if decided is not None:
            self._decisions.of(policy, decided.tier, decided.reason).inc()
        for report in run.attempts:
            self._count_attempt(report)
        for report in run.attempts[:-1]:
            self._escalations.of(report.reason).inc()
        if (reason := why_open(run)) is not None:
            self._fail_open.of(reason).inc()

    def _seed_tier(self, tier: str) -> None:
        for outcome in Outcome:
            self._attempts.of(tier, outcome.value)
        for kind in TOKEN_KINDS:
            self._tokens.of(tier, kind)
        for source in (EnergySource.MEASURED, EnergySource.MODELLED):
            self._energy_j.of(tier, source.value)
            self._carbon_g.of(tier, source.value)
        self._cost_usd.of(tier)
        self._attempt_s.of(tier)
        self._first_s.of(tier)

    def _count_attempt(self, report: AttemptReport) -> None:
        tier = report.tier
        self._attempts.of(tier, report.outcome.value).inc()
        self._attempt_s.of(tier).observe(report.latency_s)
        if report.time_to_first_token_s is not None:
            self._first_s.of(tier).observe(report.time_to_first_token_s)
        self._count_tokens(tier, report.usage)
        self._cost_usd.of(tier).inc(report.answer_cost_usd_micros * _USD_MICROS)
        for probe in report.probes:
            self._count_tokens(probe.tier, probe.usage)
            self._cost_usd.of(probe.tier).inc(probe.cost_usd_micros * _USD_MICROS)
        if report.energy is not None:
            self._count_energy(tier, report.energy)

    def _count_tokens(self, tier: str, usage: Usage) -> None:
        counts = (usage.input_token_count, usage.output_token_count, usage.cached_input_token_count)
        for kind, count in zip(TOKEN_KINDS, counts, strict=True):
            if count:
                self._tokens.of(tier, kind).inc(count)

    def _count_energy(self, tier: str, energy: EnergyUse) -> None:
        self._energy_j.of(tier, energy.source.value).inc(energy.joules)
        if energy.carbon_g is not None:
            self._carbon_g.of(tier, energy.source.value).inc(energy.carbon_g)


def why_open(run: Run) -> str | None:
    """Say why an answer went out that nobody had asked to trust so far; None where that is not so."""
    result = run.entry.result
    if result is None:
        return None
    if result.reason in FAIL_OPEN_REASONS:
        return result.reason
    has_failed = any(report.outcome is Outcome.FAILED for report in run.attempts)
    return "tier_failed" if has_failed else None
