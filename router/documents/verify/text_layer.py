"""Whether a text layer is honest, and whether a reading has its characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from router.documents.parse.wording import garbled_share, plausibility
from router.documents.verify.base import Claim


class TextLayer:
    """``legible``: no unmapped characters and fonts; ``spoken``: words that can be spoken.

    ``visible`` is 0 where the text lies over a picture of the whole page, as OCR of unknown quality does.
    """

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        if not claim.reading.text:
            return {}
        garbled = garbled_share(claim.reading.text)
        scores = {}
        if claim.element.native is not None and claim.reading.engine == claim.element.native.engine:
            garbled = max(garbled, claim.element.features.get("garbled", 0.0))
            scores["visible"] = 1.0 - claim.element.features.get("full_page_image", 0.0)
        scores["legible"] = max(1.0 - 5.0 * garbled, 0.0)
        spoken = plausibility(claim.reading.text)
        return scores if spoken is None else scores | {"spoken": spoken}


class Coverage:
    """``coverage``: share of the text layer's characters in the box that the reading has, each used once;
    ``faithful``: share of the reading's characters that the text layer has.
    """  # noqa: D205

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        there = _characters(" ".join(word.text for word in claim.element.words))
        said = _characters(_text(claim))
        if not there or not said:
            return {}
        both = sum((there & said).values())
        return {"coverage": both / sum(there.values()), "faithful": both / sum(said.values())}


def _text(claim: Claim) -> str:
    """What the reading says; the text of a spanning cell counts once."""
    grid = claim.reading.grid
    return claim.reading.text if grid is None else " ".join(cell.text for cell in grid.cells)


def _characters(text: str) -> Counter[str]:
    return Counter(character for character in text.casefold() if not character.isspace())
