"""Looks for several kinds at once, and decides what a piece is that more than one kind claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from policies.pii.base import Detector, Finding
from policies.registry import DETECTORS

TAG = "pii"
"""Tag of requests that hold personal data of any kind; with a kind behind a dot, of that kind."""


def scan(text: str, kinds: Iterable[str]) -> tuple[Finding, ...]:
    """Find data of ``kinds`` in ``text``; findings are in order and apart, and cover all that is claimed.

    A piece that several kinds claim is of the kind with the longest claim, of equal ones the first of
    ``kinds``.
    Raises policies.registry.UnknownName.
    """
    claims: list[tuple[int, int, int, str]] = []
    for rank, kind in enumerate(kinds):
        claims += [(start, -end, rank, kind) for start, end in _detector(kind).find(text)]
    claims.sort()
    merged: list[Finding] = []
    for start, negative_end, _, kind in claims:
        end = -negative_end
        if merged and start < merged[-1].end:
            merged[-1] = _joined(merged[-1], Finding(kind, start, end))
        else:
            merged.append(Finding(kind, start, end))
    return tuple(merged)


def tags_of(texts: Sequence[str], kinds: Iterable[str]) -> frozenset[str]:
    """Tags that data of ``kinds`` in any of ``texts`` gives a request; empty where there is none."""
    found = {kind for kind in kinds if any(_holds(kind, text) for text in texts)}
    return frozenset({TAG, *(f"{TAG}.{kind}" for kind in found)}) if found else frozenset()


def _holds(kind: str, text: str) -> bool:
    return next(iter(_detector(kind).find(text)), None) is not None


def _joined(first: Finding, second: Finding) -> Finding:
    longer = first.kind if first.end - first.start >= second.end - second.start else second.kind
    return Finding(longer, first.start, max(first.end, second.end))


@cache
def _detector(kind: str) -> Detector:
    detector: Detector = DETECTORS.load(kind)()
    return detector
