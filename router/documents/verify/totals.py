"""Whether a scan of an account gives its total: read for sure, and said again where it is paid."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from router.documents.verify.base import Claim

_AMOUNT = re.compile(r"\d{1,3}(?:[ ,.]?\d{3})*[.,] ?\d{2}\b")
_ACCOUNT = re.compile(
    r"total|\b(cash|tax|gst|vat|invoice|receipt|qty|amount|change|rechnung|mwst|facture|tva)\b", re.IGNORECASE
)
_TOTAL = re.compile(r"total|amount due|summe|gesamt|betrag|montant|importe|totaal", re.IGNORECASE)
_TRIMMED = "RM$€£:*() "


class Totals:
    """``total_read``: the confidence of the surest amount on a line that names a total, 0 where none is;
    ``total_repeated``: 1 where that amount is there twice. For readings with confidences by word.
    """  # noqa: D205

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        sure: dict[str, float] = {}
        for word in claim.reading.words:
            for amount in _amounts(word.text):
                if word.confidence is not None:
                    sure[amount] = max(sure.get(amount, 0.0), word.confidence)
        counts = Counter(_amounts(claim.reading.text))
        if not _ACCOUNT.search(claim.reading.text) or not claim.reading.words:
            return {}
        totals = {
            amount
            for line in claim.reading.text.split("\n")
            if _TOTAL.search(line)
            for amount in _amounts(line)
        }
        return {
            "total_read": max((sure.get(amount, 0.0) for amount in totals), default=0.0),
            "total_repeated": float(any(counts[amount] > 1 for amount in totals)),
        }


def _amounts(text: str) -> Iterator[str]:
    for found in _AMOUNT.findall(text.strip(_TRIMMED)):
        whole, decimals = found[:-2].rstrip(" "), found[-2:]
        yield re.sub(r"[ ,.]", "", whole) + "." + decimals
