"""What of a configuration is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import parse
from router.errors import InvalidRequest
from router.live.config_file import Written
from router.live.redact import check_nothing_is_redacted, redacted

CONFIG = """\
version: 1  # a comment stays
# api_key: sk-commented-out
tiers:
  - name: frontier
    backend: openai_chat
    options:
      base_url: https://host.example/v1
      model: m
      api_key: {key}
      headers: {{x-org: "hidden header", x-env: "${{HOME}}"}}
ledger: {{url: "postgresql://user:pass-word@host.example/db"}}
policies:
  - {{name: default, ladder: [frontier], objective: {{rule: fixed, tier: frontier}}}}
"""


def show(key: str) -> str:
    text = CONFIG.format(key=key)
    return redacted(Written(text, parse(text, directory=Path(), environment=os.environ)))


def test_secrets_are_masked_and_all_else_stands() -> None:
    """Comments, order and references stay as they are written."""
    shown = show("sk-very-secret")
    for secret in ("sk-very-secret", "pass-word", "hidden header", "sk-commented-out"):
        assert secret not in shown
    assert "# a comment stays" in shown
    assert "${HOME}" in shown
    assert 'api_key: "***"' in shown


@pytest.mark.parametrize("reference", ['"${HOME}"', "${HOME}"])
def test_a_reference_is_no_secret(reference: str) -> None:
    """Whoever reads it learns where the secret is kept, not what it is."""
    assert f"api_key: {reference}" in show(reference)


def test_the_default_of_a_reference_is_one() -> None:
    """It stands in the file."""
    assert "fallback-secret" not in show('"${UNSET_FOR_SURE:-fallback-secret}"')


PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\')


@settings(deadline=None)
@given(st.text(alphabet=PRINTABLE, min_size=6))
def test_no_secret_is_shown_however_it_is_made(secret: str) -> None:
    """Quoting and special characters do not let it through."""
    secret = f"sk{secret}sk".replace("${", "$").replace("{", "").replace("}", "")
    assert secret not in show(f'"{secret}"')


def test_stars_that_mask_nothing_may_be_sent() -> None:
    """An answer may be in bold type."""
    check_nothing_is_redacted('tiers: [{options: {reply: "***so***"}}]')


def test_what_is_shown_cannot_be_sent_back() -> None:
    """A mask would replace the secret for good."""
    with pytest.raises(InvalidRequest) as caught:
        check_nothing_is_redacted(show("sk-very-secret"))
    fields = [violation.field for violation in caught.value.violations]
    assert "tiers[0].options.api_key" in fields
