"""The metrics port, over what is served."""

from __future__ import annotations

import asyncio
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from router.config.observing import MetricsConfig
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader, Terms
from router.live.versions import Versions
from router.observe.extra import MissingExtra
from router.observe.outlook import Outlook
from router.observe.port import MetricsPort
from router.observe.registry import new_registry
from router.rpc.listen import ListenError
from tests.router.conftest import ask
from tests.router.live.conftest import text, tier


class Watched:
    """A served router with a metrics port."""

    def __init__(self, path: Path) -> None:
        file = ConfigFile(path)
        served = file.read()
        self.path = path
        self.outlook = Outlook(served.config)
        self.core = LiveRouter(served.config, observer=self.outlook.watch)
        self.reloader = Reloader(self.core, file, served, Versions(path.parent / "versions"))
        self.outlook.look_at(self.core, self.reloader)

    async def scrape(self) -> dict[str, float]:
        """Every sample by its name and labels."""
        assert self.outlook.metrics_address is not None
        url = f"http://{self.outlook.metrics_address()}/metrics"

        def read() -> str:
            with urllib.request.urlopen(url, timeout=10.0) as answer:
                body: bytes = answer.read()
            return body.decode()

        families = text_string_to_metric_families(await asyncio.to_thread(read))
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    path = tmp_path / "upshift.yaml"
    path.write_text(text(tier("edge", "one"), metrics={"listen": "127.0.0.1:0"}))
    found = Watched(path)
    await found.core.start()
    async with found.outlook.beside[0]:
        yield found
    await found.core.close()


async def test_what_is_served_is_seen(watched: Watched) -> None:
    """Requests that run, tiers that are ready, series at 0, and the process."""
    events = watched.core.run(ask())
    await anext(events)
    samples = await watched.scrape()
    await events.aclose()
    assert samples["upshift_in_flight_requests[]"] == 1
    assert samples["upshift_tier_ready[('tier', 'edge')]"] == 1
    assert samples["upshift_requests_total[('outcome', 'OK'), ('policy', 'default')]"] == 0
    assert samples["upshift_tier_circuit[('state', 'closed'), ('tier', 'edge')]"] == 1
    assert samples["upshift_tier_retries_total[('tier', 'edge')]"] == 0
    assert samples["upshift_journal_entries_total[('outcome', 'dropped')]"] == 0
    assert samples["upshift_audits_dropped_total[]"] == 0
    assert samples["upshift_certificates[('policy', 'default'), ('state', 'certified')]"] == 0
    assert samples["process_resident_memory_bytes[]"] > 0


async def test_nothing_of_what_was_said_is_in_a_figure(watched: Watched) -> None:
    """Neither question nor answer, nor who asked, nor the request's name."""
    async for _ in watched.core.run(ask("a secret question", id="named-so", tenant="acme")):
        pass
    samples = " ".join(await watched.scrape())
    assert "upshift_requests_total" in samples
    for secret in ("secret", "one", "acme", "named-so"):
        assert f"'{secret}" not in samples


async def test_a_new_tier_begins_at_zero(watched: Watched) -> None:
    """After a change of the configuration, which is counted."""
    watched.path.write_text(text(tier("edge", "one"), tier("local"), metrics={"listen": "127.0.0.1:0"}))
    await watched.reloader.reload(Terms("test"))
    samples = await watched.scrape()
    assert samples["upshift_attempts_total[('outcome', 'failed'), ('tier', 'local')]"] == 0
    assert samples["upshift_config_changes_total[('outcome', 'done')]"] == 1


@pytest.mark.parametrize(
    ("listen", "said"), [("0.0.0.0:0", "allow_insecure_listen"), ("unix:/x", "host:port")]
)
async def test_a_port_that_must_not_be_is_refused(listen: str, said: str) -> None:
    """Figures tell how much is asked and spent."""
    with pytest.raises(ListenError, match=said):
        await MetricsPort(listen, MetricsConfig(), new_registry()).__aenter__()


async def test_a_taken_port_is_said(watched: Watched) -> None:
    """By the setting to change."""
    assert watched.outlook.metrics_address is not None
    address = watched.outlook.metrics_address()
    with pytest.raises(ListenError, match=f"metrics.listen: cannot listen on '{address}'"):
        await MetricsPort(address, MetricsConfig(), new_registry()).__aenter__()


@pytest.mark.parametrize(
    ("section", "module"),
    [
        ({"metrics": {"listen": "127.0.0.1:0"}}, "prometheus_client"),
        ({"tracing": {"exporter": "otlp"}}, "opentelemetry.exporter.otlp.proto.http.trace_exporter"),
    ],
)
async def test_a_library_that_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: dict[str, Any], module: str
) -> None:
    """By the section that wants it and by how to get it."""
    for name in ("metrics", "port", "registry", "state", "spans", "tracing"):
        monkeypatch.delitem(sys.modules, f"router.observe.{name}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "upshift.yaml"
    path.write_text(text(tier("edge"), **section))
    with pytest.raises(MissingExtra, match=rf"{next(iter(section))} wants .*upshift\[observability\]"):
        Watched(path)


async def test_other_machines_are_let_in_on_purpose() -> None:
    """Then the port is bound everywhere."""
    settings = MetricsConfig(allow_insecure_listen=True)
    async with MetricsPort("0.0.0.0:0", settings, new_registry()) as port:
        assert port.address.startswith("0.0.0.0:")
