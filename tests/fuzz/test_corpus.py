"""Every parser against its corpus and what is near it; `make fuzz` looks further."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.hunt import inputs
from tests.fuzz.target import CORPUS
from tests.fuzz.targets import TARGETS

_COUNT = 15


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_nothing(name: str) -> None:
    """Valid inputs, and every one that ever broke a parser; one at least is taken and not refused."""
    _, *seeds = map(TARGETS[name].check, TARGETS[name].seeds())
    assert any(seeds)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=_COUNT, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_near_the_corpus_breaks_nothing(name: str, data: st.DataObject) -> None:
    """A few inputs of every kind; a failing one is shown small."""
    TARGETS[name].check(data.draw(inputs(TARGETS[name])))


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    """A new parser comes with valid inputs, from which mutations reach deep."""
    folders = {path.name for path in CORPUS.iterdir()}
    assert folders == set(TARGETS)
    assert all(len(target.seeds()) > 1 for target in TARGETS.values())
