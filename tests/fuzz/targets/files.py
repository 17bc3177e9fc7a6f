"""Files that are read at start: configuration, keys, what was learnt, certificates, a journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from policies import artefact
from policies.artefact import ArtefactError
from policies.certified import Certified, CertifiedOptions
from policies.features import FEATURES_VERSION
from policies.guarantee import certificate_file
from policies.guarantee.certificate import digest
from policies.guarantee.certificate_file import CertificateError
from router.certificates.warrant import Warrant
from router.config import ConfigError, parse
from router.journal import JournalError, read_journal
from router.ledger.tally import BookUnreadable, read_book
from router.tenants.key_file import KeyFileError, read_keys
from tests.fuzz.target import Target, in_file
from tests.policies.guarantee.certificates import certificate

_YAML_WORDS = (
    b"version: 1\n~tiers:\n~policies:\n~- ~${~${A:-~$${~&a ~*a~<<: ~!!python/object:os.system ~"
    b"!!binary ~? ~|\n~>-\n~0o17~1_000~2024-01-01~privacy: {detect: [~match: {tags: ["
)


def _config(data: bytes) -> None:
    parse(data.decode(errors="replace"), environment={"A": "x"}, directory=Path("/nowhere"))


def _sealed(read: Callable[[Path], object], head: dict[str, Any], key: str) -> Callable[[bytes], object]:
    """Read a document whose ``key`` is what the bytes say, under the hash that belongs to it.

    What is no JSON is read as it is. Who makes a hostile file makes its hash too.
    """

    def run(data: bytes) -> object:
        try:
            content = json.loads(data)
            sealed = {**head, key: content, "sha256": digest(content)}
            data = json.dumps(sealed).encode()
        except (ValueError, RecursionError):
            pass
        return in_file(read)(data)

    return run


_LEARNT = {
    "kind": artefact.KIND,
    "format_version": artefact.READ_VERSIONS[-1],
    "features_version": FEATURES_VERSION,
}
_CERTIFIED = {"kind": certificate_file.KIND, "format_version": certificate_file.FORMAT_VERSION}


def _watch(path: Path) -> None:
    rule = Certified(CertifiedOptions(max_loss=0.02))
    given = certificate()
    Warrant(rule, (given,), given.rests_on, lambda: 1500.0, path).restore()


TARGETS = (
    Target("config", _config, (ConfigError,), _YAML_WORDS),
    Target("keys", in_file(read_keys), (KeyFileError,)),
    Target("learnt", _sealed(artefact.load, _LEARNT, "content"), (ArtefactError,)),
    Target("learnt_file", in_file(artefact.load), (ArtefactError,)),
    Target(
        "certificates",
        _sealed(certificate_file.load_certificates, _CERTIFIED, "certificates"),
        (CertificateError,),
    ),
    Target("certificates_file", in_file(certificate_file.load_certificates), (CertificateError,)),
    Target("watch", in_file(_watch), (CertificateError,)),
    Target(
        "ledger_book",
        in_file(lambda path: read_book(path).worst_usd_micros()),
        (BookUnreadable,),
        b'upshift-book 1 2026-11-27\n~R 1 ~S 1 ~ "acme"\n~\n',
    ),
    Target("journal", in_file(lambda path: list(read_journal(path)), ".sqlite"), (JournalError,)),
)
