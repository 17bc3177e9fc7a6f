"""Certificates are given on proof alone, and never on worse labels rather than better ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.guarantee.certify import Certified, Evidence, NotCertified, certify, certify_strata
from policies.guarantee.path import choose_path
from policies.guarantee.sequence import last_passed, walk_strata
from policies.guarantee.split import DESIGN_SHARE, is_design
from policies.guarantee.terms import Terms, Test
from policies.odds import Floats

TERMS = Terms(max_loss=0.02, confidence=0.95)


def losses(*shares: tuple[float, float], count: int = 2000, seed: int = 0) -> Floats:
    """Losses of policies with these shares of harm and gain, (count, policies)."""
    draws = np.random.default_rng(seed).random((count, 1))
    harm, gain = np.array(shares).T
    return np.where(draws < harm, 1.0, np.where(draws < harm + gain, -1.0, 0.0))


def test_the_cheapest_policy_that_is_proven_is_certified() -> None:
    """Those beyond the first failure are not looked at, good as they may seem."""
    verdict = certify(Evidence(losses((0.001, 0.0), (0.008, 0.001), (0.05, 0.0), (0.0, 0.0))), TERMS)
    assert isinstance(verdict, Certified)
    assert verdict.index == 1
    assert verdict.step.passed
    assert not verdict.steps[2].passed


def test_nothing_is_certified_on_few_labels() -> None:
    """148 labels without a failure do not prove 2 % at 95 %; it says how many more would."""
    verdict = certify(Evidence(losses((0.0, 0.0), count=100)), TERMS)
    assert isinstance(verdict, NotCertified)
    assert verdict.labels_needed == pytest.approx((149 - 100) / (1.0 - DESIGN_SHARE), abs=2)


def test_no_number_of_labels_is_named_where_the_loss_is_too_large() -> None:
    """What loses too much stays what it is."""
    verdict = certify(Evidence(losses((0.04, 0.0))), TERMS)
    assert verdict == NotCertified(2000, None, verdict.steps)


def test_an_empty_path_certifies_nothing() -> None:
    """Where no setting saves anything, the top tier answers."""
    assert certify(Evidence(np.zeros((50, 0))), TERMS) == NotCertified(50, None)


def test_gains_pay_for_harm_only_in_the_net_test() -> None:
    """The harm test counts every request that the top would have answered better."""
    evidence = Evidence(losses((0.03, 0.04)))
    assert isinstance(certify(evidence, TERMS), Certified)
    assert isinstance(certify(evidence, Terms(0.02, test=Test.HARM)), NotCertified)


def test_graded_losses_need_the_graded_test() -> None:
    """The score test knows right and wrong; half a loss is refused, not rounded."""
    evidence = Evidence(0.1 * losses((0.02, 0.0)), np.full((300, 1), 0.002))
    with pytest.raises(ValueError, match="graded"):
        certify(evidence, TERMS)
    assert isinstance(certify(evidence, Terms(0.02, test=Test.GRADED)), Certified)


@given(st.sampled_from(Test), st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_worse_labels_never_certify_more(test: Test, seed: int, change_count: int) -> None:
    """Whichever labels get worse, the certified policy stays or moves towards the top tier."""
    rng = np.random.default_rng(seed)
    seen = losses((0.002, 0.001), (0.006, 0.002), (0.012, 0.002), (0.02, 0.002), count=800, seed=seed)
    worse = seen.copy()
    rows = rng.integers(0, 800, change_count)
    worse[rows] = np.minimum(1.0, worse[rows] + rng.integers(0, 3, (change_count, 4)))
    terms = Terms(0.02, test=test)
    assert _index(certify(Evidence(worse), terms)) <= _index(certify(Evidence(seen), terms))


def _index(verdict: Certified | NotCertified) -> int:
    return verdict.index if isinstance(verdict, Certified) else -1


@given(st.integers(0, 2**32 - 1))
def test_a_stricter_bound_never_certifies_more(seed: int) -> None:
    """Less loss allowed, or more confidence asked, moves towards the top tier."""
    evidence = Evidence(losses((0.001, 0.0), (0.006, 0.002), (0.012, 0.002), (0.02, 0.0), seed=seed))
    here = _index(certify(evidence, TERMS))
    assert _index(certify(evidence, Terms(0.01))) <= here
    assert _index(certify(evidence, Terms(0.02, confidence=0.99))) <= here


def test_strata_share_one_error_rate() -> None:
    """What just passes alone fails beside another stratum that fails, for each gets half the rate."""
    near = Evidence(losses((0.0, 0.0), count=160))
    lossy = Evidence(losses((0.1, 0.0)))
    assert isinstance(certify(near, TERMS), Certified)
    verdicts = certify_strata({"near": near, "lossy": lossy}, TERMS)
    assert isinstance(verdicts["near"], NotCertified)


def test_a_stratum_that_is_done_hands_its_rate_on() -> None:
    """Once a whole path is proven, the others are tested at the larger rate."""
    asked: list[tuple[str, float]] = []

    def walk(stratum: str, error_rate: float) -> int | None:
        asked.append((stratum, error_rate))
        return 0 if stratum == "easy" or error_rate >= 0.05 else None

    assert walk_strata({"easy": 1, "hard": 1}, walk, 0.05) == {"easy": 0, "hard": 0}
    assert asked == [("easy", 0.025), ("hard", 0.025), ("hard", 0.05)]


def test_a_sequence_ends_at_its_first_failure() -> None:
    """None where even the safest fails."""
    assert last_passed([True, True, False, True]) == 1
    assert last_passed([False, True]) is None
    assert last_passed([]) is None


def test_the_split_is_fixed_by_name_and_has_its_share() -> None:
    """A record stays on its side whatever else is there."""
    names = [f"request-{number}" for number in range(20_000)]
    assert np.mean([is_design(name) for name in names]) == pytest.approx(DESIGN_SHARE, abs=0.01)
    assert is_design("request-7") == is_design("request-7")


def test_a_path_saves_more_at_every_step_and_ends_where_hope_does() -> None:
    """Settings dearer than the top tier, or than a safer one, are not worth a test."""
    seen = losses((0.0, 0.0), (0.001, 0.0), (0.002, 0.0), (0.01, 0.0), (0.3, 0.0), (0.0, 0.0))
    costs = np.array([1.1, 0.9, 0.95, 0.5, 0.2, 0.1])
    assert choose_path(seen, costs, top_cost=1.0, max_loss=0.02) == (1, 3)


def test_a_long_path_is_thinned_evenly_in_cost() -> None:
    """Its first and its last setting stay."""
    costs = np.linspace(0.9, 0.1, 200)
    chosen = choose_path(np.zeros((100, 200)), costs, top_cost=1.0, max_loss=0.02, step_count=5)
    assert chosen[0] == 0
    assert chosen[-1] == 199
    assert np.diff(costs[list(chosen)]) == pytest.approx(-0.2, abs=0.01)
