"""A certificate holds until it expires or anything that it rests on changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.guarantee.certificate import Agreement, Certificate, Proof, Setting
from policies.guarantee.certificate_file import CertificateError, load_certificates, save_certificates
from policies.guarantee.terms import Terms, Test
from tests.policies.guarantee.certificates import certificate

NAMES = st.text(min_size=1, max_size=8)
NUMBERS = st.floats(0.0, 1.0)
HASHES = st.dictionaries(NAMES, NAMES, max_size=4)
CERTIFICATES = st.builds(
    Certificate,
    policy=NAMES,
    stratum=st.just("") | NAMES,
    terms=st.builds(Terms, NUMBERS, NUMBERS, st.sampled_from(Test)),
    setting=st.builds(
        Setting,
        st.just(("small", "large")),
        st.tuples(NUMBERS, NUMBERS),
        NUMBERS,
        st.none() | NUMBERS,
    ),
    proof=st.builds(Proof, st.integers(), st.integers(), st.integers(), NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    issued_s=NUMBERS,
    expires_s=NUMBERS,
    rests_on=HASHES,
    made_from=HASHES,
    agreement=st.none() | st.builds(Agreement, NUMBERS, NUMBERS, NUMBERS),
)


@given(CERTIFICATES)
def test_certificates_survive_their_file(made: Certificate) -> None:
    """Read back they are equal, their ids too."""
    stored = Certificate.from_json(json.loads(json.dumps(made.to_json())))
    assert stored == made
    assert stored.id == made.id


def test_it_holds_for_what_it_was_given() -> None:
    """Before it expires, and where nothing changed."""
    assert certificate().withdrawn(1999.0, {"learnt": "a", "tier small": "b"}) is None


def test_it_expires() -> None:
    """At its last second already."""
    assert certificate().withdrawn(2000.0, {"learnt": "a", "tier small": "b"}) == "expired"


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({"learnt": "x", "tier small": "b"}, "learnt"),
        ({"learnt": "a"}, "tier small"),
        ({"learnt": "a", "tier small": "b", "code": "c"}, "code"),
    ],
)
def test_any_change_withdraws_it(now: dict[str, str], changed: str) -> None:
    """What differs, what is gone and what is new alike; it says which."""
    assert certificate().withdrawn(1500.0, now) == f"changed: {changed}"


def test_it_meets_weaker_demands_only() -> None:
    """A certificate at 2 % and 95 % serves those who allow more, or ask for less."""
    assert certificate().meets(0.02, 0.95)
    assert certificate().meets(0.05, 0.9)
    assert not certificate().meets(0.01, 0.95)
    assert not certificate().meets(0.02, 0.99)


def test_a_file_keeps_them_in_order(tmp_path: Path) -> None:
    """Also none at all, which is what a calibration that certified nothing writes."""
    both = (certificate(), certificate(stratum="math"))
    save_certificates(both, tmp_path / "c.json")
    assert load_certificates(tmp_path / "c.json") == both
    save_certificates([], tmp_path / "c.json")
    assert load_certificates(tmp_path / "c.json") == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"max_loss": 0.02', '"max_loss": 0.5', "damaged or edited"),
        ("upshift.certificates", "upshift.learnt", "holds no certificates"),
        ('"format_version": 1', '"format_version": 9', "calibrate again"),
        ("{", "[", "not JSON"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """It says what is wrong with it."""
    file = tmp_path / "c.json"
    save_certificates([certificate()], file)
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(CertificateError, match=said):
        load_certificates(file)
