"""Which policy an element falls under, and the ladder of engines that it may climb."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from policies.base import Policy
from policies.threshold import Threshold, ThresholdOptions
from router.documents.route.group import Group

MIN_CONFIDENCE = 0.8
TABLE_CONFIDENCE = 0.7
"""From here on tables are taken for right: of such, 87 % were (`make bench-documents`, ICDAR 2013)."""
SCAN_CONFIDENCE = 0.82
"""Below it lie the 28 % of SROIE's receipts that tesseract is least sure of, which is what reading them again
may cost (`make bench-documents`); chosen on that public sample."""
MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class ElementRoute:
    """A way to decide over elements: for ``groups`` (empty: all), engines from the cheapest up.

    ``witnesses`` read too, for comparison only. A reading is verified from ``min_confidence`` on.
    ``fingerprint`` tells two routes apart that would decide differently.
    """

    name: str
    policy: Policy
    ladder: tuple[str, ...]
    groups: frozenset[Group] = frozenset()
    witnesses: tuple[str, ...] = ()
    min_confidence: float = MIN_CONFIDENCE
    max_attempt_count: int = MAX_ATTEMPTS
    fingerprint: str = ""


class Routes:
    """Routes in order; the first that takes an element's group holds, and the usual ones come last."""

    def __init__(self, routes: Sequence[ElementRoute]) -> None:
        self._routes = tuple(routes)

    def of(self, group: Group) -> ElementRoute:
        """The route of a group."""
        return next(route for route in self._routes if not route.groups or group in route.groups)

    @property
    def fingerprint(self) -> str:
        """What tells these routes from others."""
        return "|".join(
            f"{route.name}:{','.join(sorted(route.groups))}:{','.join(route.ladder)}:"
            f"{','.join(route.witnesses)}:{route.min_confidence}:{route.max_attempt_count}:{route.fingerprint}"
            for route in self._routes
        )


def usual_routes(installed: Collection[str], vision_tiers: Sequence[str] = ()) -> tuple[ElementRoute, ...]:
    """What holds where nothing is configured: climb while doubtful, over the engines that are ``installed``.

    ``vision_tiers`` are model tiers that take pictures, cheapest first.
    """
    tables = ("columns", "table_model") if "table_model" in installed else ("columns", "parser")
    ocr = tuple(name for name in ("tesseract", "rapidocr") if name in installed)
    tiers = tuple(vision_tiers)
    return (
        _usual("structured", {Group.STRUCTURED, Group.FORM}, ("parser",)),
        _usual("picture", {Group.PICTURE}, ("parser", *ocr[:1], *tiers)),
        _usual("table", {Group.TABLE}, (*tables, *tiers), TABLE_CONFIDENCE),
        _usual("scan", {Group.SCAN}, (*ocr, *tiers), SCAN_CONFIDENCE),
        _usual("formula", {Group.FORMULA}, ("parser", *tiers)),
        _usual("text", set(), ("parser", *ocr, *tiers)),
    )


def _usual(
    name: str, groups: set[Group], ladder: tuple[str, ...], min_confidence: float = MIN_CONFIDENCE
) -> ElementRoute:
    policy = Threshold(ThresholdOptions(min_confidence=min_confidence))
    return ElementRoute(f"usual_{name}", policy, ladder, frozenset(groups), min_confidence=min_confidence)
