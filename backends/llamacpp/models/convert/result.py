"""What the comparison of a converted file with its source found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parity:
    """What was found. ``wrong_texts``: those that were split otherwise.

    ``worst_gap_nats``: how much less probable, to transformers, the worst of llama.cpp's choices was than
    its own; 0 where all are the same. ``largest_difference_nats``: of the log-probability of any token
    that transformers chose.
    """

    text_count: int
    wrong_texts: tuple[str, ...]
    token_count: int
    same_token_count: int
    worst_gap_nats: float
    largest_difference_nats: float
