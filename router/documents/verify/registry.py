"""Names of verifiers and where they live; packages outside add theirs by an entry point."""

from __future__ import annotations

from policies.registry import Registry
from router.documents.verify.base import Claim, Verifier

VERIFIERS = Registry(
    "verifier",
    "upshift.document_verifiers",
    {
        "text_layer": "router.documents.verify.text_layer:TextLayer",
        "coverage": "router.documents.verify.text_layer:Coverage",
        "agreement": "router.documents.verify.agreement:Agreement",
        "ocr_confidence": "router.documents.verify.ocr:OcrConfidence",
        "table_shape": "router.documents.verify.table:TableShape",
        "column_types": "router.documents.verify.table:ColumnTypes",
        "sums": "router.documents.verify.sums:Sums",
        "totals": "router.documents.verify.totals:Totals",
        "dates": "router.documents.verify.values:Dates",
        "checksums": "router.documents.verify.values:Checksums",
        "code": "router.documents.verify.syntax:CodeParses",
        "formula": "router.documents.verify.syntax:FormulaHolds",
    },
)

PROOFS = frozenset({"code_parses", "formula_holds"})
"""Scores that prove a reading wrong where they are 0."""


class Verifiers:
    """All verifiers together."""

    def __init__(self) -> None:
        self._verifiers: tuple[Verifier, ...] = tuple(VERIFIERS.load(name)() for name in VERIFIERS.names())

    def measure(self, claim: Claim) -> dict[str, float]:
        """Every score that can be had, rounded so that equal readings give equal bytes everywhere."""
        scores: dict[str, float] = {}
        for verifier in self._verifiers:
            scores.update(verifier.measure(claim))
        return {name: round(score, 6) for name, score in sorted(scores.items())}
