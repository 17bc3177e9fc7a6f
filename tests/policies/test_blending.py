"""How two models share the word."""

from __future__ import annotations

import numpy as np

from policies.blending import choose_share


def test_noise_moves_nothing_from_half() -> None:
    """A share that is better by less than a standard error is not taken."""
    even = np.full(200, 1.0)
    noisy = even + np.tile([0.28, -0.30], 100)
    assert noisy.mean() < even.mean()
    assert choose_share({0.0: noisy, 0.5: even, 1.0: even + 0.1}) == 0.5


def test_a_share_that_is_clearly_better_is_taken() -> None:
    """All or nothing, where the records say so."""
    even = np.full(50, 1.0)
    assert choose_share({0.0: even + 0.2, 0.5: even, 1.0: even - 0.1}) == 1.0
    assert choose_share({0.0: even - 0.2, 0.5: even, 1.0: even - 0.1}) == 0.0


def test_without_records_half_is_as_good_as_any() -> None:
    """Nothing is known either way."""
    nothing = np.empty(0)
    assert choose_share({0.0: nothing, 0.5: nothing, 1.0: nothing}) == 0.5
