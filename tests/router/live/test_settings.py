"""What running parts take over from a configuration that is served from now on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from router.config import Config, parse
from router.errors import ConfigRefused, RateLimited
from router.journal import NullJournal, Retention
from router.live.fixed import LIVE, refuse_restart
from router.live.reloader import Terms
from router.live.settings import Settings
from router.observe.outlook import Outlook
from tests.router.conftest import ask
from tests.router.live.conftest import House, text, tier

BY = Terms("a test")


def config(**sections: Any) -> Config:
    return parse(text(tier("edge"), **sections))


class Kept(NullJournal):
    """Notes what it is told to forget by."""

    def retain(self, retention: Retention) -> None:
        """Note it."""
        self.retention = retention


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root of all loggers, as it was afterwards."""
    logger = logging.getLogger()
    before = logger.handlers[:], logger.level
    yield logger
    logger.handlers, logger.level = before


async def reloaded(house: House, **sections: Any) -> None:
    house.path.write_text(text(tier("edge", "one"), **sections))
    await house.reloader.reload(BY)


async def test_limits_hold_from_the_reload_on(house: House) -> None:
    """A tenant that had none is stopped, and let in again without them."""
    assert await house.answer(ask(tenant="acme")) == "one"
    await reloaded(house, tenants=[{"name": "acme", "limits": {"requests_per_s": 0.001, "burst": 1}}])
    assert await house.answer(ask(tenant="acme")) == "one"
    with pytest.raises(RateLimited):
        await house.answer(ask(tenant="acme"))
    await reloaded(house)
    assert await house.answer(ask(tenant="acme")) == "one"


async def test_what_a_tenant_has_used_still_counts_after_a_reload(house: House) -> None:
    """Else every reload would fill its bucket."""
    limits = [{"name": "acme", "limits": {"requests_per_s": 0.001, "burst": 1}}]
    await reloaded(house, tenants=limits)
    assert await house.answer(ask(tenant="acme")) == "one"
    await reloaded(house, tenants=[*limits, {"name": "other", "limits": {"requests_per_s": 1.0}}])
    with pytest.raises(RateLimited):
        await house.answer(ask(tenant="acme"))


def test_retention_changes() -> None:
    """The journal forgets by the new days."""
    journal, served = Kept(), config(journal={"path": "j.sqlite", "retention_days": 1.0})
    Settings(config(), Outlook(config())).apply(served, journal)
    assert journal.retention == Retention.of_days(None, 1.0)


def test_sampling_and_carbon_change() -> None:
    """Whoever looks on goes on with the new figures; what is not traced stays so."""
    outlook = Outlook(config())
    settings = Settings(config(), outlook)
    settings.apply(config(tracing={"sample_ratio": 0.5}, energy={"grams_co2_per_kwh": 30.0}), NullJournal())
    assert outlook.watch.sight.sample_ratio is None
    assert outlook.watch.sight.grams_co2_per_kwh == 30.0


def test_traced_servers_take_the_new_share() -> None:
    """From the next request on."""
    traced = {"exporter": "console", "sample_ratio": 1.0}
    outlook = Outlook(config(tracing=traced))
    Settings(config(), outlook).apply(config(tracing=traced | {"sample_ratio": 0.25}), NullJournal())
    assert outlook.watch.sight.sample_ratio == 0.25


def test_log_lines_change(root: logging.Logger) -> None:
    """Form and level; what did not change is left alone."""
    settings = Settings(config(), Outlook(config()))
    before = root.handlers[:]
    settings.apply(config(), NullJournal())
    assert root.handlers == before
    settings.apply(config(logs={"format": "json", "level": "warning"}), NullJournal())
    assert root.level == logging.WARNING
    assert root.handlers != before


@pytest.mark.parametrize("key", sorted(key for key in LIVE if "." in key))
def test_live_keys_exist(key: str) -> None:
    """None is left over from another name."""
    section, _, name = key.partition(".")
    assert name in type(getattr(config(), section)).model_fields


def test_what_is_not_live_beside_what_is_names_itself_alone() -> None:
    """Operators see which of two keys to put back."""
    wanted = config(journal={"path": "j.sqlite", "retention_days": 1.0})
    with pytest.raises(ConfigRefused, match=r"^journal\.path: cannot"):
        refuse_restart(config(), wanted)
