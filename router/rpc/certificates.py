"""How certificates stand, as messages and back: one table for both directions."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from upshift.v1 import router_pb2

from policies.guarantee.monitor import Standing
from router.certificates.warrant import CertificateStatus

_STATES = {
    Standing.CERTIFIED: router_pb2.CERTIFICATE_STATE_CERTIFIED,
    Standing.SUSPECT: router_pb2.CERTIFICATE_STATE_SUSPECT,
    Standing.FALLBACK: router_pb2.CERTIFICATE_STATE_FALLBACK,
}
_STANDINGS = {state: standing for standing, state in _STATES.items()}
_NANOS = 1_000_000_000


def certificate_message(status: CertificateStatus) -> router_pb2.Certificate:
    """Translate how a certificate stands; one that was withdrawn is that, whatever the watch says."""
    state = _STATES[status.standing]
    return router_pb2.Certificate(
        id=status.id,
        policy=status.policy,
        stratum=status.stratum,
        state=router_pb2.CERTIFICATE_STATE_WITHDRAWN if status.withdrawn is not None else state,
        withdrawal_reason=status.withdrawn or "",
        max_loss=status.max_loss,
        confidence=status.confidence,
        expire_time=_timestamp(status.expires_s),
        audit_rate=status.audit_rate,
        audit_count=status.audit_count,
        alarm_progress=status.alarm_progress,
    )


def certificate_status(message: router_pb2.Certificate) -> CertificateStatus:
    """Read a message; a state that is not known, or that withdrawal hides, is read as fallen back."""
    is_withdrawn = message.state == router_pb2.CERTIFICATE_STATE_WITHDRAWN
    return CertificateStatus(
        id=message.id,
        policy=message.policy,
        stratum=message.stratum,
        standing=_STANDINGS.get(message.state, Standing.FALLBACK),
        withdrawn=(message.withdrawal_reason or "withdrawn") if is_withdrawn else None,
        max_loss=message.max_loss,
        confidence=message.confidence,
        expires_s=message.expire_time.seconds + message.expire_time.nanos / _NANOS,
        audit_rate=message.audit_rate,
        audit_count=message.audit_count,
        alarm_progress=message.alarm_progress,
    )


def _timestamp(seconds: float) -> Timestamp:
    whole, nanos = divmod(round(seconds * _NANOS), _NANOS)
    return Timestamp(seconds=whole, nanos=nanos)
