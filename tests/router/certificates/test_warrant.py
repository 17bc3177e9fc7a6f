"""Who may serve by a certificate, and for how long."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.certified import Certified, CertifiedOptions
from policies.guarantee.certificate import Certificate
from policies.guarantee.certificate_file import CertificateError
from policies.guarantee.monitor import Standing
from policies.guarantee.terms import Terms
from router.certificates.warrant import Warrant
from tests.policies.guarantee.certificates import certificate

PRINTS = {"learnt": "a", "tier small": "b"}
NOBODY: frozenset[str] = frozenset()


def warrant(
    *certificates: Certificate,
    now_s: float = 1500.0,
    prints: dict[str, str] = PRINTS,
    path: Path | None = None,
) -> Warrant:
    rule = Certified(CertifiedOptions(max_loss=0.02))
    return Warrant(rule, certificates, prints, lambda: now_s, path)


def test_a_certificate_that_holds_is_served_by() -> None:
    """With its own policy, and at the usual rate of audits."""
    permit = warrant(certificate()).permit(NOBODY)
    assert permit is not None
    assert permit.certificate == certificate()
    assert permit.audit_rate == 0.02


@pytest.mark.parametrize(
    "refused",
    [
        warrant(),
        warrant(certificate(), now_s=2500.0),
        warrant(certificate(), prints={"learnt": "x"}),
        warrant(certificate(terms=Terms(0.03))),
        warrant(certificate(terms=Terms(0.02, confidence=0.9))),
        warrant(certificate(stratum="math")),
    ],
    ids=["none", "expired", "changed", "loose", "unsure", "elsewhere"],
)
def test_without_one_nothing_is_permitted(refused: Warrant) -> None:
    """None there, past its time, of another world, too weak, or of other traffic."""
    assert refused.permit(NOBODY) is None


def test_a_stratum_is_told_by_its_tag() -> None:
    """A request of two strata is of neither: none was sampled like it."""
    both = warrant(certificate(stratum="math"), certificate(stratum="code"))
    permit = both.permit(frozenset({"math", "urgent"}))
    assert permit is not None
    assert permit.certificate.stratum == "math"
    assert both.permit(frozenset({"math", "code"})) is None


def test_a_broken_certificate_is_given_up_for_good(tmp_path: Path) -> None:
    """Also over a restart."""
    served = warrant(certificate(), path=tmp_path / "watch")
    for _ in range(40):
        served.audited(certificate().id, 1.0)
    assert served.permit(NOBODY) is None
    again = warrant(certificate(), path=tmp_path / "watch")
    again.restore()
    assert again.permit(NOBODY) is None
    assert again.statuses()[0].standing is Standing.FALLBACK


def test_a_new_certificate_starts_afresh(tmp_path: Path) -> None:
    """What is held against another does not count."""
    served = warrant(certificate(), path=tmp_path / "watch")
    for _ in range(40):
        served.audited(certificate().id, 1.0)
    renewed = warrant(certificate(issued_s=1400.0), path=tmp_path / "watch")
    renewed.restore()
    assert renewed.permit(NOBODY) is not None


def test_a_watch_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """There may be an alarm in it."""
    (tmp_path / "watch").write_text("{")
    with pytest.raises(CertificateError, match="delete it"):
        warrant(certificate(), path=tmp_path / "watch").restore()


def test_the_status_says_why_it_does_not_hold() -> None:
    """For people who wonder what became of their savings."""
    (status,) = warrant(certificate(), prints={"learnt": "x", "tier small": "b"}).statuses()
    assert status.withdrawn == "changed: learnt"
    assert (status.standing, status.audit_count, status.alarm_progress) == (Standing.CERTIFIED, 0, 0.0)
