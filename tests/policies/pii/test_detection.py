"""What is found in texts, and what is not taken for personal data."""

from __future__ import annotations

import random
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.pii.scan import TAG, scan, tags_of
from policies.registry import DETECTORS, UnknownName
from tests.policies.pii.corpus import Sample, negatives, positives

KINDS = DETECTORS.names()

# Published examples: of standards, authorities and payment networks.
GENUINE = {
    "email": [
        "simple@example.com",
        "disposable.style+tag@example.co.uk",
        "üser@bücher.example",
        "x@y.museum",
    ],
    "card": [
        "4111 1111 1111 1111",
        "5555555555554444",
        "3782-822463-10005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "2223003122003222",
        "4222222222222",
    ],
    "iban": [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "MT84MALT011000012345MTLCAST001S",
        "NO93 8601 1117 947",
        "FR14 2004 1010 0505 0001 3M02 606",
        "gr1601101250000000012300695",
    ],
    "phone": [
        "+49 30 901820",
        "+44 20 7946 0018",
        "+1 (212) 555-0123",
        "(415) 555-2671",
        "415-555-2671",
        "+33 1 99 00 12 34",
        "01 99 00 12 34",
        "Tel.: 030/901820",
        "call me at 0171 5550123",
        "0049 30 901820",
        "+12125550123",
    ],
    "national_id": [
        "078-05-1120",
        "912-70-1234",
        "86 095 742 719",
        "47036892816",
        "2 55 08 14 168 025 38",
        "1 85 12 2A 004 012 85",
        "12345678Z",
        "X-1234567-L",
        "RSSMRA85T10A562S",
        "BSN: 111222333",
        "AB 12 34 56 C",
        "85.07.30-033.28",
        "44051401359",
        "811218-9876",
        "131052-308T",
        "29029600013",
        "756.9217.0769.85",
        "529.982.247-25",
        "CPF 52998224725",
        "2345 6789 1238",
        "SSN 078051120",
    ],
    "ip_address": ["192.0.2.44", "2001:db8:85a3::8a2e:370:7334", "fe80::1ff:fe23:4567:890a"],
    "secret": [
        "sk-abcdefghijklmnopqrstuvwxyz0123",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    ],
}
WRONG_CHECK = {
    "card": ["4111 1111 1111 1112", "5555555555554445", "0000000000000000"],
    "iban": ["GB83 WEST 1234 5698 7654 32", "DE8937040044053201300", "ZZ89370400440532013000"],
    "national_id": [
        "000-05-1120",
        "078-00-1120",
        "86 095 742 710",
        "2 55 08 14 168 025 39",
        "12345678A",
        "X1234567M",
        "RSSMRA85T10A562T",
        "BSN 111222334",
        "GB 12 34 56 C",
        "85.07.30-033.29",
        "811218-9875",
        "131052-308U",
        "756.9217.0769.86",
        "529.982.247-26",
        "2345 6789 1239",
        "811318-9876",
        "111.111.111-11",
    ],
    "ip_address": ["127.0.0.1", "0.0.0.0", "256.1.1.1", "version 10.2.0.1", "1.2.3.4.5", "::1", "12:30:45"],
    "email": [
        "user@host",
        "icon@2x.png",
        "git@github.com:org/repo.git",
        "react@18.2.0",
        "@app.route",
        "a@b.c",
    ],
    "phone": ["+999 1234567", "1234567890", "2024-05-01", "0012345678901", "a+491234567890"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in GENUINE for value in GENUINE[kind]])
def test_published_examples_are_found(kind: str, value: str) -> None:
    """Each is found within a sentence, and nothing of it is left over."""
    before, behind = "Here it is: ", ", as you asked."
    found = [one for one in scan(f"{before}{value}{behind}", (kind,)) if one.kind == kind]
    assert len(found) == 1
    assert found[0].end == len(before) + len(value)


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind in WRONG_CHECK for value in WRONG_CHECK[kind]]
)
def test_what_cannot_be_genuine_is_passed_over(kind: str, value: str) -> None:
    """A wrong check digit, a date that there is not, an address that is everybody's."""
    assert scan(f"Here it is: {value}, as you asked.", (kind,)) == ()


def _finds(sample: Sample) -> bool:
    """Whether the value is covered, but for a word that introduces it."""
    start = sample.text.index(sample.value)
    end = start + len(sample.value)
    covered = (one for one in scan(sample.text, KINDS) if one.start >= start and one.end == end)
    return any(one.kind == sample.kind for one in covered)


def test_recall_on_the_corpus() -> None:
    """Of each kind 99 in 100 are found and called right; two kinds can claim one number."""
    found: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for sample in positives(12):
        assert sample.kind is not None
        counts[sample.kind] += 1
        found[sample.kind] += _finds(sample)
    assert set(counts) == set(KINDS)
    assert all(found[kind] >= 0.99 * counts[kind] for kind in KINDS), (found, counts)


def test_precision_on_what_only_looks_like_it() -> None:
    """Of order numbers, hashes, versions, times and the like 1 in 200 at most is taken for personal data.

    Check digits cannot do better on numbers of the right length: one in ten is right by chance.
    """
    texts = negatives(30)
    wrong = [sample.text for sample in texts if scan(sample.text, KINDS)]
    assert len(wrong) <= len(texts) / 200, wrong


def test_claims_of_several_kinds_become_one_finding() -> None:
    """What two kinds claim is covered as a whole, and called by the longer claim."""
    text = "sk-abcdefghijklmnopqrstu-ada@example.org"
    (found,) = scan(text, KINDS)
    assert (found.kind, found.start, found.end) == ("email", 0, len(text))


def test_tags_name_what_was_found() -> None:
    """One tag for any, and one for each kind; nothing where nothing is."""
    assert tags_of(["hello", "ada@example.org"], KINDS) == {TAG, "pii.email"}
    assert tags_of(["hello"], KINDS) == frozenset()
    assert tags_of(["ada@example.org"], ("phone",)) == frozenset()


def test_a_kind_that_there_is_not_is_named() -> None:
    """The error lists those that there are."""
    with pytest.raises(UnknownName, match="email"):
        scan("x", ("emial",))


@given(st.text(alphabet=st.sampled_from("019 4-+.()/@:aAxXZ_<\n\u00a0é"), max_size=300))
def test_findings_are_in_order_and_apart(text: str) -> None:
    """Whatever the text, spans lie within it, do not overlap, and hold something."""
    found = scan(text, KINDS)
    edges = [edge for one in found for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(0 <= one.start < one.end <= len(text) for one in found)


@given(st.integers(0, 2**32), st.sampled_from(string.ascii_letters + string.digits + "_"))
def test_nothing_is_found_within_a_longer_word(seed: int, glue: str) -> None:
    """A card number with a letter or a digit at its edge is part of something else."""
    number = "4111111111111111"
    text = f"{glue}{number}" if random.Random(seed).random() < 0.5 else f"{number}{glue}"
    assert not [one for one in scan(text, ("card",)) if text[one.start : one.end] == number]
