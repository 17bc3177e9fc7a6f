"""Splits: nothing that judges was seen, neither by models nor by the knob."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from router.evaluate.splits import Part, Split, fold_splits, holdout_split

GROUPS = st.lists(st.sampled_from("abcdefghij"), min_size=10, max_size=60).map(
    lambda drawn: [*drawn, *"abcdefghij"]
)


def is_apart(groups: list[str], *parts: np.ndarray) -> bool:
    seen = [{groups[row] for row in part} for part in parts]
    return all(not first & second for place, first in enumerate(seen) for second in seen[:place])


def keeps_apart(groups: list[str], split: Split) -> bool:
    judged = split.judge.shown
    return is_apart(groups, split.judge.fit, judged) and all(
        is_apart(groups, part.fit, part.shown, judged) for part in split.tune
    )


@given(GROUPS, st.integers(2, 6), st.integers(0, 3))
def test_folds_share_no_group(groups: list[str], count: int, seed: int) -> None:
    """Every record judges once, and its kin never fits it or sets its knob."""
    splits = fold_splits(groups, count=count, seed=seed)
    assert sorted(row for split in splits for row in split.judge.shown) == list(range(len(groups)))
    assert all(keeps_apart(groups, split) for split in splits if count > 2)
    assert all(is_apart(groups, split.judge.fit, split.judge.shown) for split in splits)


@given(GROUPS, st.data())
def test_kin_of_the_test_file_does_not_fit(groups: list[str], data: st.DataObject) -> None:
    """A prompt that is in both files is taken out of the training file."""
    marks = data.draw(st.lists(st.booleans(), min_size=len(groups), max_size=len(groups)))
    split = holdout_split(groups, marks, count=3, seed=0)
    assert split.judge.shown.tolist() == [row for row, mark in enumerate(marks) if mark]
    assert keeps_apart(groups, split)


def test_two_folds_that_tune_each_other_share_their_models() -> None:
    """Of large files one partner is enough, and a pair is fitted without both but once."""
    groups = [str(number) for number in range(6000)]
    splits = fold_splits(groups, count=5, seed=0)
    assert [len(split.tune) for split in splits] == [1] * 5
    fits = {part.fit.tobytes() for split in splits for part in (split.judge, *split.tune)}
    assert len(fits) == 5 + 3


def test_small_files_tune_on_all_other_folds() -> None:
    """A knob set on a few records would be set by chance."""
    (first, *_) = fold_splits([str(number) for number in range(100)], count=5, seed=0)
    shown = np.concatenate([part.shown for part in first.tune])
    assert sorted(shown) == sorted(first.judge.fit)
    assert isinstance(first.judge, Part)
