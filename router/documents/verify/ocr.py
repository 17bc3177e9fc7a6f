"""What an OCR engine says of itself: weak evidence for a value, fair evidence for a page."""

from __future__ import annotations

from collections.abc import Mapping

from router.documents.element import Label
from router.documents.verify.base import Claim

_LOW_PERCENTILE = 0.1
# With fewer words the percentile says nothing.
_LEAST_WORDS = 3


class OcrConfidence:
    """``ocr_mean`` and ``ocr_low``: mean and 10th percentile of the words' confidences; ``ocr_spread``: share
    of words above one half.
    """  # noqa: D205

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        known = sorted(word.confidence for word in claim.reading.words if word.confidence is not None)
        if len(known) < _LEAST_WORDS:
            is_text = claim.element.label not in (Label.PICTURE, Label.CHART)
            if is_text and claim.element.native is None and not claim.reading.text.strip():
                return {"ocr_mean": 0.0, "ocr_low": 0.0}
            return {}
        low = known[int(_LOW_PERCENTILE * (len(known) - 1))]
        sure = sum(confidence > 0.5 for confidence in known) / len(known)
        return {"ocr_mean": sum(known) / len(known), "ocr_low": low, "ocr_spread": sure}
