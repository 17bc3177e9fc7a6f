"""A text, whatever stands in it, is looked through in bounded work."""

from __future__ import annotations

import pytest

from policies.pii.scan import scan
from policies.registry import DETECTORS

PATTERNS = (
    "1", "1 ", "1.", "a@", "@", "a", "AA11", "GB11 ", "a:", "::", "+1", "(1)", "a.b@c.d.",
    "4111 1111 1111 1111 ", "tel: 030 12345 ", "-----BEGIN PRIVATE KEY-----", "eyJ", "sk-", "-", "0 00 ",
    "@a.", ".", "é", "00", "x@x.x ",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_long_text_made_to_be_slow_is_finished(pattern: str) -> None:
    """Backtracking over the whole text, or for ever, would not end within the test's time."""
    scan(pattern * ((1 << 18) // len(pattern)), DETECTORS.names())
