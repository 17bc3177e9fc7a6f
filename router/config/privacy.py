"""What the file may say of personal data."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from router.config.section import Section


class PrivacyConfig(Section):
    """What is looked for in prompts, and what is kept from external tiers."""

    detect: tuple[str, ...] = ()
    """Kinds of personal data that tag a request `pii` and `pii.KIND`, which policies match; empty: none."""
    redact: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Kinds that stand-ins such as <EMAIL_1> replace where asked for; unset: those of `detect`, or all."""
    redact_external: bool = False
    """Whether stand-ins replace personal data in all prompts to external tiers, whatever the policy; answers
    get the values back."""
