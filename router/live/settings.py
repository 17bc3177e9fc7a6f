"""Settings that running parts take over as they are, without another part taking their place.

Decides what is set anew when another configuration is served. Refuses to know when that is.
"""

from __future__ import annotations

from typing import Literal

from router.config.model import Config
from router.config.observing import LogsConfig
from router.journal import Journal, Retention
from router.observe.log_lines import configure
from router.observe.outlook import Outlook


class Settings:
    """Sets ``outlook`` and log lines, which were set up as ``config`` says."""

    def __init__(self, config: Config, outlook: Outlook) -> None:
        self._outlook = outlook
        self._form = _form(config.logs)

    def apply(self, config: Config, journal: Journal) -> None:
        """Set all as ``config`` says."""
        journal.retain(Retention.of_days(config.journal.prompt_retention_days, config.journal.retention_days))
        self._outlook.adapt(config)
        if self._form != (form := _form(config.logs)):
            self._form = form
            configure(form[0], level=form[1])


def _form(logs: LogsConfig) -> tuple[Literal["text", "json"], str]:
    return logs.format, logs.level
