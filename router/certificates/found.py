"""From the file of certificates that a policy names to the warrant that it serves by."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from policies.certified import Certified
from policies.guarantee.certificate_file import load_certificates
from router.certificates.fingerprints import fingerprints
from router.certificates.warrant import Warrant
from router.config import Config, PolicyConfig

_LOG = logging.getLogger(__name__)


def warrant_for(policy: Certified, described: PolicyConfig, config: Config) -> Warrant:
    """Read the policy's certificates, and say in the log why those that do not hold do not.

    The watch's state lies beside the file. Without the file nothing is certified. Raises CertificateError
    where it cannot be trusted, and OSError where something that a certificate rests on cannot be read.
    """
    named = policy.options.certificate
    file = None if named is None else Path(named)
    if file is None or not file.exists():
        _LOG.warning("policy %s: no certificate, so the top tier answers everything", described.name)
        return Warrant(policy, (), {}, time.time)
    certificates = [c for c in load_certificates(file) if c.policy == described.name]
    rests_on = fingerprints(config, described, config.learnt) if certificates else {}
    warrant = Warrant(policy, certificates, rests_on, time.time, file.with_name(f"{file.name}.watch"))
    warrant.restore()
    _tell(described.name, warrant)
    return warrant


def _tell(policy: str, warrant: Warrant) -> None:
    statuses = warrant.statuses()
    if not statuses:
        _LOG.warning("policy %s: no certificate promises what is asked; the top tier answers", policy)
    for status in statuses:
        stands = status.standing.value if status.withdrawn is None else f"withdrawn, {status.withdrawn}"
        _LOG.info("policy %s: certificate %s: %s", policy, status.id, stands)
