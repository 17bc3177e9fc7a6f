"""Several forests that read the same row, asked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from policies.forest import Forest
from policies.odds import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Grove:
    """``forests`` one a head; made by :meth:`of`.

    ``whole`` has all their trees in one row, for one pass over all conditions; ``heads`` (trees,)
    tells whose each is; ``intercepts`` (heads,).
    """

    forests: tuple[Forest, ...]
    whole: Forest
    heads: NDArray[np.int64]
    intercepts: Floats

    @classmethod
    def of(cls, forests: Sequence[Forest]) -> Self:
        """Plant ``forests`` side by side."""
        ends = np.cumsum([0, *(len(forest.columns) for forest in forests)])
        starts = [forest.starts + end for forest, end in zip(forests, ends, strict=False)]
        whole = Forest(
            np.concatenate([forest.columns for forest in forests]),
            np.concatenate([forest.thresholds for forest in forests]),
            np.concatenate([forest.nan_left for forest in forests]),
            np.concatenate([forest.reachable for forest in forests]),
            np.concatenate(starts),
            np.vstack([forest.values for forest in forests]),
            0.0,
        )
        heads = np.repeat(np.arange(len(forests)), [len(forest.starts) for forest in forests])
        return cls(tuple(forests), whole, heads, np.array([forest.intercept for forest in forests]))

    def scores(self, row: Floats) -> Floats:
        """What each forest says of one row, (heads,)."""
        sums = np.bincount(self.heads, weights=self.whole.leaves(row), minlength=len(self.forests))
        return np.asarray(sums + self.intercepts)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return [forest.to_json() for forest in self.forests]

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, Any]]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls.of([Forest.from_json(forest) for forest in value])
