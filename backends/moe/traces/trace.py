"""A trace: the experts that every layer chose for every token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Choices = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Trace:
    """``choices``: int16 (tokens, layers, top_k), in the order of tokens; ``expert_count`` of each layer."""

    choices: Choices
    expert_count: int

    @property
    def token_count(self) -> int:
        """Tokens."""
        return int(self.choices.shape[0])

    def save(self, path: Path) -> None:
        """Write it as compressed numpy arrays; 2 bytes a choice before compression."""
        with path.open("wb") as file:
            np.savez_compressed(file, choices=self.choices, expert_count=self.expert_count)


def load_trace(path: Path) -> Trace:
    """Read what ``save`` wrote; raises OSError and ValueError."""
    with np.load(path, allow_pickle=False) as arrays:
        return Trace(arrays["choices"].astype(np.int16), int(arrays["expert_count"]))
