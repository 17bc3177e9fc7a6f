"""Whether a policy may serve by a certificate now: its expiry, what it rests on, and the watch over it.

Decides which of a policy's certificates covers a request, and keeps the watch's state in a file so
that a restart does not forgive. Refuses to know how losses are seen; audits tell it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.base import Policy
from policies.certified import Certified
from policies.guarantee.certificate import EVERYTHING, Certificate
from policies.guarantee.certificate_file import CertificateError, write_whole
from policies.guarantee.monitor import Alarm, Monitor, Standing

# All that a file that nobody stored can raise.
_UNSOUND = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)

_LOG = logging.getLogger(__name__)

_STORED_EVERY = 50
"""Labels between writes of the watch's state; a change of standing is written at once."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to serve one request below the top tier: by this policy, under this certificate."""

    certificate: Certificate
    policy: Policy
    audit_rate: float


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """How a certificate stands, for people and for the wire.

    ``withdrawn`` says why it does not hold, None: it holds. ``alarm_progress`` runs from 0 to 1.
    """

    id: str
    policy: str
    stratum: str
    standing: Standing
    withdrawn: str | None
    max_loss: float
    confidence: float
    expires_s: float
    audit_rate: float
    audit_count: int
    alarm_progress: float


class Warrant:
    """A certified policy's certificates at work. Use it from one thread.

    ``rests_on`` are today's fingerprints; ``clock`` gives seconds since 1970; ``state_path`` keeps
    the watch over restarts, None: in memory only.
    """

    def __init__(
        self,
        policy: Certified,
        certificates: Sequence[Certificate],
        rests_on: Mapping[str, str],
        clock: Callable[[], float],
        state_path: Path | None = None,
    ) -> None:
        self._options = policy.options
        self._certificates = {
            certificate.stratum: certificate
            for certificate in certificates
            if certificate.meets(policy.options.max_loss, policy.options.confidence)
        }
        self._rests_on = dict(rests_on)
        self._clock = clock
        self._state_path = state_path
        self._policies = {c.id: policy.under(c.setting) for c in self._certificates.values()}
        self._alarm = Alarm(policy.options.false_alarm_rate, policy.options.audit_rate)
        self._monitors = {
            c.id: Monitor.of(c.id, c.terms.max_loss, self._alarm) for c in self._certificates.values()
        }

    @property
    def label_wait_s(self) -> float:
        """Seconds that an audit whose answers differ waits for feedback on both."""
        return self._options.label_wait_s

    def permit(self, tags: frozenset[str]) -> Permit | None:
        """Return the right to serve a request with these tags; None: only the top tier may.

        A request with tags of several strata has none: no sample was drawn of such traffic.
        """
        named = [stratum for stratum in self._certificates if stratum != EVERYTHING and stratum in tags]
        if len(named) > 1:
            return None
        certificate = self._certificates.get(named[0] if named else EVERYTHING)
        if certificate is None or certificate.withdrawn(self._clock(), self._rests_on) is not None:
            return None
        monitor = self._monitors[certificate.id]
        if monitor.standing is Standing.FALLBACK:
            return None
        return Permit(certificate, self._policies[certificate.id], monitor.audit_rate)

    def audited(self, certificate_id: str, loss: float) -> Standing:
        """Tell one audit's loss, 0 where the top tier had served, and hear how the certificate stands."""
        self._watch(certificate_id, self._monitors[certificate_id].audited(loss))
        return self._monitors[certificate_id].standing

    def escalated(self, certificate_id: str, predicted_agreement: float, agreed: bool) -> None:
        """Tell whether the cheap answer of an escalated request said the same as the top tier's."""
        self._watch(
            certificate_id, self._monitors[certificate_id].escalated(predicted_agreement, float(agreed))
        )

    def statuses(self) -> tuple[CertificateStatus, ...]:
        """How each certificate stands now."""
        return tuple(self._status(certificate) for certificate in self._certificates.values())

    def restore(self) -> None:
        """Go on with the watch as it was stored; that of other certificates is passed over.

        Raises CertificateError where it cannot be read: an alarm may be in it.
        """
        if self._state_path is None or not self._state_path.exists():
            return
        try:
            stored = json.loads(self._state_path.read_text(encoding="utf-8"))["monitors"]
            monitors = [Monitor.from_json(value, self._alarm) for value in stored]
        except (OSError, *_UNSOUND) as exc:
            message = f"{self._state_path}: the watch over certificates cannot be read: {exc}; "
            raise CertificateError(message + "calibrate again, or delete it to begin the watch anew") from exc
        self._monitors |= {m.certificate_id: m for m in monitors if m.certificate_id in self._monitors}

    def store(self) -> None:
        """Write the watch's state; trouble with the file is logged and does not stop serving."""
        if self._state_path is None or not self._monitors:
            return
        stored = {"monitors": [monitor.to_json() for monitor in self._monitors.values()]}
        try:
            write_whole(self._state_path, json.dumps(stored) + "\n")
        except OSError as exc:
            _LOG.error("the watch over certificates %s cannot be written: %s", self._state_path, exc)

    def _watch(self, certificate_id: str, monitor: Monitor) -> None:
        before = self._monitors[certificate_id].standing
        self._monitors[certificate_id] = monitor
        if monitor.standing is not before:
            _LOG.warning("certificate %s: %s -> %s", certificate_id, before.value, monitor.standing.value)
        if monitor.standing is not before or (monitor.paid.count + monitor.free.count) % _STORED_EVERY == 0:
            self.store()

    def _status(self, certificate: Certificate) -> CertificateStatus:
        monitor = self._monitors[certificate.id]
        return CertificateStatus(
            id=certificate.id,
            policy=certificate.policy,
            stratum=certificate.stratum,
            standing=monitor.standing,
            withdrawn=certificate.withdrawn(self._clock(), self._rests_on),
            max_loss=certificate.terms.max_loss,
            confidence=certificate.terms.confidence,
            expires_s=certificate.expires_s,
            audit_rate=monitor.audit_rate,
            audit_count=monitor.paid.count,
            alarm_progress=monitor.progress,
        )
