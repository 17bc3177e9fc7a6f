"""What of a configuration holds until the server is restarted.

Decides which sections and keys may change while it runs; what may not is told by its key.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from router.config.model import Config
from router.errors import ConfigRefused

LIVE = frozenset(
    {
        "version",
        "tiers",
        "policies",
        "tenants",
        "learnt",
        "difficulty",
        "confidence",
        "privacy",
        "logs",
        "ledger.allow_uncounted",
        "journal.prompt_retention_days",
        "journal.retention_days",
        "tracing.sample_ratio",
        "energy.grams_co2_per_kwh",
    }
)
"""Sections and keys that take effect at once; all others are what the process is made of."""


def refuse_restart(serving: Config, wanted: Config) -> None:
    """Raise ConfigRefused where ``wanted`` changes what holds until a restart."""
    keys = [
        key
        for name in type(serving).model_fields
        for key in _changed(getattr(serving, name), getattr(wanted, name), name)
    ]
    if keys:
        raise ConfigRefused(
            "RESTART_NEEDED",
            f"{', '.join(keys)}: cannot change while the server runs, so nothing was changed; restart it, or "
            "put these back",
            metadata={"keys": ", ".join(keys)},
        )


def _changed(serving: object, wanted: object, key: str) -> Iterator[str]:
    if serving == wanted or key in LIVE:
        return
    if isinstance(serving, BaseModel) and isinstance(wanted, BaseModel) and type(serving) is type(wanted):
        for name in type(serving).model_fields:
            yield from _changed(getattr(serving, name), getattr(wanted, name), f"{key}.{name}")
    else:
        yield key
