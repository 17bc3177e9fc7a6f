"""What a calibration found, in words for people and in figures for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from policies.guarantee.certify import Certified, NotCertified

if TYPE_CHECKING:
    from policies.certifying import Finding
    from policies.guarantee.certificate import Certificate
    from policies.guarantee.terms import Terms
    from router.certificates.issue import Issued
    from router.config import PolicyConfig

_KINDS = {"net": "of quality", "harm": "of requests harmed", "graded": "of quality"}


def findings_json(issued: Issued) -> list[dict[str, Any]]:
    """One object a stratum: whether it is certified, on what figures, and what is missing."""
    return [
        {
            "stratum": name,
            "certified": isinstance(found.verdict, Certified),
            "max_loss": issued.terms.max_loss,
            "confidence": issued.terms.confidence,
            "test": issued.terms.test.value,
            "label_count": found.verdict.label_count,
            "labels_needed": getattr(found.verdict, "labels_needed", None),
            "certificate": _certificate_json(_of(issued, name)),
        }
        for name, found in issued.findings.items()
    ]


def verdict_lines(issued: Issued, policy: PolicyConfig) -> list[str]:
    """A sentence or two a stratum."""
    ladder = " -> ".join(policy.ladder)
    lines = [f"policy {policy.name}: {ladder}, against always {policy.ladder[-1]}"]
    for name, found in issued.findings.items():
        certificate = _of(issued, name)
        said = _promise(certificate) if certificate else _refusal(found, issued.terms)
        lines.append(f"{name}: {said}" if name else said)
    return lines


def _of(issued: Issued, stratum: str) -> Certificate | None:
    return next((found for found in issued.certificates if found.stratum == stratum), None)


def _promise(certificate: Certificate) -> str:
    terms, proof = certificate.terms, certificate.proof
    until = datetime.fromtimestamp(certificate.expires_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"CERTIFIED: at most {100 * terms.max_loss:g} % {_KINDS[terms.test.value]} lost, with "
        f"{100 * terms.confidence:g} % confidence\n"
        f"  on {proof.label_count:,} labels: {100 * proof.loss:.2f} % lost ({proof.harm_count} harmed, "
        f"{proof.gain_count} gained), p = {proof.p_value:.2g}\n"
        f"  saves {100 * proof.saving:.1f} % of the top tier's cost\n"
        f"  certificate {certificate.id} holds until {until}"
    )


def _refusal(found: Finding, terms: Terms) -> str:
    verdict = found.verdict
    assert isinstance(verdict, NotCertified)
    said = f"NOT CERTIFIED on {verdict.label_count:,} labels: the top tier answers everything\n  "
    if not verdict.steps:
        return (
            said
            + "no setting saved anything without losing far more than is allowed; better signals are needed"
        )
    first = verdict.steps[0]
    seen = f"the safest setting that saves anything lost {100 * first.loss:.2f} % ({first.harm_count} harmed)"
    if verdict.labels_needed is None:
        return f"{said}{seen}, not less than {100 * terms.max_loss:g} %; more labels would not help"
    return f"{said}{seen}; about {verdict.labels_needed:,} more labels would do"


def _certificate_json(certificate: Certificate | None) -> dict[str, Any] | None:
    return None if certificate is None else {"id": certificate.id, **certificate.to_json()}
