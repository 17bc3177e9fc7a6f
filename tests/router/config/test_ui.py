"""The section of the pages."""

from __future__ import annotations

import pytest

from router.config import ConfigError, parse

TIERS = """
version: 1
tiers: [{name: edge, backend: echo}]
policies: [{name: default, ladder: [edge], objective: {rule: fixed, tier: edge}}]
"""


def test_pages_are_on_for_this_machine_alone() -> None:
    """Without a word in the file."""
    ui = parse(TIERS).ui
    assert (ui.enabled, ui.allow_beyond_loopback, ui.baseline) == (True, False, None)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("ui: {allow_beyond_loopback: true}", "needs auth.keys"),
        ("ui: {baseline: egde}", "no tier is called 'egde'"),
        ("ui: {session_hours: 0}", "session_hours"),
        ("ui: {allow_beyond_loopbak: true}", "allow_beyond_loopback"),
    ],
)
def test_what_is_wrong_is_told(section: str, said: str) -> None:
    """With its line."""
    with pytest.raises(ConfigError, match=said) as caught:
        parse(f"{TIERS}{section}\n")
    assert caught.value.problems[0].position.line == 5
