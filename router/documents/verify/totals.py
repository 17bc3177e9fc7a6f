"""Whether a scan of an account gives its total: read for sure, said again, and what was paid for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from router.documents.element import Word
from router.documents.verify.base import Claim

_AMOUNT = re.compile(r"\d{1,3}(?:[ ,.]?\d{3})*[.,] ?\d{2}\b")
_ACCOUNT = re.compile(
    r"total|\b(cash|tax|gst|vat|invoice|receipt|qty|amount|change|rechnung|mwst|facture|tva)\b", re.IGNORECASE
)
_TOTAL = re.compile(r"total|amount due|summe|gesamt|betrag|montant|importe|totaal", re.IGNORECASE)
_PAID = re.compile(
    r"\b(cash|tender|paid|payment|given|visa|master|credit|debit|card|bar|gegeben|esp[eè]ces|efectivo|bayar)",
    re.IGNORECASE,
)
_CHANGE = re.compile(r"change|baki|r[uü]ckgeld|zur[uü]ck|rendu|cambio", re.IGNORECASE)
_TRIMMED = "RM$€£:*() "


class Totals:
    """``total_read``: the confidence of the surest amount on a line that names a total, 0 where none is;
    ``total_repeated``: 1 where that amount is there twice; ``total_paid``: 1 where what was given less the
    change is an amount that is there too. For readings with confidences by word.
    """  # noqa: D205

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        text = claim.reading.text
        if not _ACCOUNT.search(text) or not claim.reading.words:
            return {}
        lines = list(_lines(text, claim.reading.words))
        totals = [(line, words) for line, words in lines if _TOTAL.search(line)]
        counts = Counter(_amounts(text))
        named = {amount for line, _ in totals for amount in _amounts(line)}
        return {
            "total_read": max((_sureness(line, words) for line, words in totals), default=0.0),
            "total_repeated": float(any(counts[amount] > 1 for amount in named)),
            "total_paid": float(not _due(line for line, _ in lines).isdisjoint(counts)),
        }


def _lines(text: str, words: Sequence[Word]) -> Iterator[tuple[str, Sequence[Word]]]:
    """Every line with its words, which readers give in the order of the text."""
    position = 0
    for line in text.split("\n"):
        end, said = position, ""
        while end < len(words) and len(said) < len(line.strip()):
            said = f"{said} {words[end].text}".strip()
            end += 1
        yield line, words[position:end]
        position = end


def _sureness(line: str, words: Sequence[Word]) -> float:
    """Confidence of the line's surest amount; of one in pieces, that of the weakest with digits."""
    known = [(word.text, word.confidence) for word in words if word.confidence is not None]
    weakest = min((sure for text, sure in known if any(map(str.isdigit, text))), default=0.0)
    whole = {
        amount: max((sure for text, sure in known if amount in _amounts(text)), default=weakest)
        for amount in _amounts(line)
    }
    return max(whole.values(), default=0.0)


def _due(lines: Iterator[str]) -> set[str]:
    """What was given less the change, by every pair of lines that name them."""
    paid: set[int] = set()
    change: set[int] = set()
    for line in lines:
        cents = {int(amount.replace(".", "")) for amount in _amounts(line)}
        paid |= cents if _PAID.search(line) else set()
        change |= cents if _CHANGE.search(line) else set()
    return {f"{(p - c) // 100}.{(p - c) % 100:02}" for p in paid for c in change if p > c}


def _amounts(text: str) -> Iterator[str]:
    for found in _AMOUNT.findall(text.strip(_TRIMMED)):
        whole, decimals = found[:-2].rstrip(" "), found[-2:]
        yield re.sub(r"[ ,.]", "", whole) + "." + decimals
