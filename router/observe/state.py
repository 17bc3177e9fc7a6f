"""Figures of what is so at the moment they are asked for: tiers, certificates, journal, configuration.

Decides their names. They are read from the objects themselves when Prometheus scrapes, on its thread; nothing
is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from policies.guarantee.monitor import Standing
from router.certificates.warrant import CertificateStatus
from router.journal import JournalCounts, SqliteJournal
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.resilience.breaker import Circuit

CERTIFICATE_STATES = (*(standing.value for standing in Standing), "withdrawn")


class State(Collector):
    """Collects from what is served and what changes it."""

    def __init__(self, core: LiveRouter, reloader: Reloader) -> None:
        self._core = core
        self._reloader = reloader

    def describe(self) -> Iterator[Metric]:
        """Name the figures without looking, which the registry asks for before anything runs."""
        yield GaugeMetricFamily("upshift_in_flight_requests", "Requests that are being answered.")

    def collect(self) -> Iterator[Metric]:
        """Look at everything once."""
        yield GaugeMetricFamily(
            "upshift_in_flight_requests",
            "Requests that are being answered.",
            value=self._core.request_count,
        )
        yield from self._tiers()
        yield from self._doors()
        yield from self._certificates()
        yield from self._journal()
        yield from self._audits()
        yield from self._configuration()

    def _tiers(self) -> Iterator[Metric]:
        tiers = self._core.tiers()
        for name, said, value in (
            ("ready", "Whether the tier can take requests.", lambda tier: float(tier.ready)),
            ("in_flight_attempts", "Attempts that the tier runs.", lambda tier: tier.in_flight_count),
            ("queued_attempts", "Attempts that wait for the tier.", lambda tier: tier.queued_count),
        ):
            family = GaugeMetricFamily(f"upshift_tier_{name}", said, labels=("tier",))
            for tier in tiers:
                family.add_metric((tier.name,), value(tier))
            yield family

    def _doors(self) -> Iterator[Metric]:
        """How the doors of tiers stand, and what they did."""
        tiers = self._core.tiers()
        circuit = GaugeMetricFamily(
            "upshift_tier_circuit", "1 for how the tier's circuit breaker stands.", labels=("tier", "state")
        )
        limit = GaugeMetricFamily(
            "upshift_tier_concurrency_limit", "Attempts that may run at once as of now.", labels=("tier",)
        )
        for tier in tiers:
            for state in Circuit:
                circuit.add_metric((tier.name, state.value), float(tier.health.circuit is state))
            limit.add_metric((tier.name,), tier.health.concurrency_limit)
        yield from (circuit, limit)
        for name, said, field in (
            ("circuits_opened", "Times that a circuit opened.", "opened_count"),
            ("retries", "Calls that were made again.", "retry_count"),
            ("hedges", "Second calls beside slow ones.", "hedge_count"),
            ("turned_away", "Attempts that a tier's door refused.", "turned_away_count"),
        ):
            family = CounterMetricFamily(f"upshift_tier_{name}", said, labels=("tier",))
            for tier in tiers:
                family.add_metric((tier.name,), getattr(tier.health, field))
            yield family

    def _certificates(self) -> Iterator[Metric]:
        said = "Certificates by policy and by how they stand."
        family = GaugeMetricFamily("upshift_certificates", said, labels=("policy", "state"))
        certificates = self._core.certificates()
        for policy in sorted(self._core.policy_names()):
            states = [_state(status) for status in certificates if status.policy == policy]
            for state in CERTIFICATE_STATES:
                family.add_metric((policy, state), states.count(state))
        yield family
        alarm = GaugeMetricFamily(
            "upshift_certificate_alarm_progress",
            "How far the evidence against a policy's certificates has come to an alarm, from 0 to 1.",
            labels=("policy",),
        )
        for policy in sorted({status.policy for status in certificates}):
            worst = max(status.alarm_progress for status in certificates if status.policy == policy)
            alarm.add_metric((policy,), worst)
        yield alarm

    def _journal(self) -> Iterator[Metric]:
        journal = self._core.router.parts.journal
        family = CounterMetricFamily(
            "upshift_journal_entries", "Entries of the journal, by what became of them.", labels=("outcome",)
        )
        counts = journal.counts if isinstance(journal, SqliteJournal) else JournalCounts()
        for outcome in ("written", "dropped", "failed"):
            family.add_metric((outcome,), getattr(counts, outcome))
        yield family

    def _audits(self) -> Iterator[Metric]:
        auditor = self._core.router.parts.auditor
        yield CounterMetricFamily(
            "upshift_audits_dropped",
            "Answers under a certificate that were not looked at, for the audits were behind.",
            value=0 if auditor is None else auditor.dropped_count,
        )

    def _configuration(self) -> Iterator[Metric]:
        changes = CounterMetricFamily(
            "upshift_config_changes", "Changes of the configuration while serving.", labels=("outcome",)
        )
        changes.add_metric(("done",), self._core.exchange_count)
        changes.add_metric(("refused",), self._reloader.failure_count)
        yield changes
        yield GaugeMetricFamily(
            "upshift_config_last_change_timestamp_seconds",
            "When what is served was put into service, in seconds since 1970.",
            value=self._reloader.last_success_s,
        )


def _state(status: CertificateStatus) -> str:
    return "withdrawn" if status.withdrawn is not None else status.standing.value
