"""Boosted trees as they are kept and served: every condition tested at once, no tree walked.

Decides what a forest says of one row. Refuses to know what the columns mean and how the trees were
grown; ``fit_forest`` does, and needs scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from policies.odds import Floats

LEAF_COUNT = 8
"""Most leaves of a tree: one bit each of a byte."""

_ALL_LEAVES = np.uint8(2**LEAF_COUNT - 1)
_LOWEST_BIT = np.array([0, *((byte & -byte).bit_length() - 1 for byte in range(1, 2**LEAF_COUNT))])


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Sum of trees of at most LEAF_COUNT leaves, in log-odds.

    Nodes of all trees stand in one row, a tree's together from its ``starts`` (trees,). A node asks
    ``row[columns] <= thresholds``; NaN goes left where ``nan_left`` says so. ``reachable`` (nodes,)
    uint8 are the leaves, by bit from the left, that stay in reach when the answer is no. ``values``
    (trees, LEAF_COUNT). Lucchese et al.: QuickScorer, SIGIR 2015.
    """

    columns: NDArray[np.int64]
    thresholds: Floats
    nan_left: NDArray[np.bool_]
    reachable: NDArray[np.uint8]
    starts: NDArray[np.int64]
    values: Floats
    intercept: float

    @classmethod
    def empty(cls, intercept: float = 0.0) -> Self:
        """Return a forest without trees, which always says ``intercept``."""
        nodes = np.zeros(0, np.int64)
        return cls(
            nodes,
            np.zeros(0),
            np.zeros(0, np.bool_),
            np.zeros(0, np.uint8),
            nodes,
            np.zeros((0, LEAF_COUNT)),
            intercept,
        )

    def log_odds(self, row: Floats) -> float:
        """Natural log-odds for one row (columns,); NaN is a value that is not known."""
        return float(self.leaves(row).sum()) + self.intercept

    def leaves(self, row: Floats) -> Floats:
        """What each tree says of one row, (trees,)."""
        if not len(self.starts):
            return np.zeros(0)
        seen = row[self.columns]
        is_left = seen <= self.thresholds
        if np.isnan(row).any():  # a prompt's row never has any
            is_left |= self.nan_left & np.isnan(seen)
        open_leaves = np.bitwise_and.reduceat(np.where(is_left, _ALL_LEAVES, self.reachable), self.starts)
        leaves = _LOWEST_BIT[open_leaves]
        return np.asarray(self.values[np.arange(len(leaves)), leaves])

    def scaled(self, factor: float) -> Self:
        """Return a forest whose log-odds are ``factor`` times these."""
        return type(self)(
            self.columns,
            self.thresholds,
            self.nan_left,
            self.reachable,
            self.starts,
            self.values * factor,
            self.intercept * factor,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "columns": self.columns.tolist(),
            "thresholds": self.thresholds.tolist(),
            "nan_left": self.nan_left.astype(int).tolist(),
            "reachable": self.reachable.tolist(),
            "starts": self.starts.tolist(),
            "values": self.values.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        starts = np.asarray(value["starts"], np.int64)
        forest = cls(
            np.asarray(value["columns"], np.int64),
            np.asarray(value["thresholds"], np.float64),
            np.asarray(value["nan_left"], np.bool_),
            np.asarray(value["reachable"], np.uint8),
            starts,
            np.asarray(value["values"], np.float64).reshape(len(starts), LEAF_COUNT),
            float(value["intercept"]),
        )
        sizes = {len(forest.columns), len(forest.thresholds), len(forest.nan_left), len(forest.reachable)}
        if len(sizes) != 1:
            raise ValueError(
                f"a forest's nodes need as many columns as thresholds; sizes are {sorted(sizes)}"
            )
        return forest
