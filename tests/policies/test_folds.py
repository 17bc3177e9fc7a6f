"""Folds for cross-fitting."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policies.folds import assign_folds, out_of_fold
from policies.odds import Floats


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1), st.integers(0, 9))
def test_equal_prompts_share_a_fold(groups: list[str], seed: int) -> None:
    """So that none is predicted by a model that saw its twin."""
    folds = assign_folds(groups, count=5, seed=seed)
    assert len({(group, fold) for group, fold in zip(groups, folds, strict=True)}) == len(set(groups))


def test_no_record_is_predicted_by_a_model_that_saw_it() -> None:
    """Nor by one that was fitted on records whose outcome is not known."""
    folds = assign_folds([str(row) for row in range(20)], count=4, seed=0)
    known = np.arange(20) % 3 > 0

    def check(fitted: np.ndarray, rows: np.ndarray) -> Floats:
        assert not set(fitted) & set(rows)
        assert known[fitted].all()
        return rows.astype(np.float64)

    assert np.array_equal(out_of_fold(folds, known, check), np.arange(20))
