"""What the dashboard and the alerts ask for exists, under labels that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.config import parse
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.live.versions import Versions
from router.observe.metrics import Metrics
from router.observe.registry import new_registry
from router.observe.state import State
from router.rpc.names import METHODS
from tests.router.live.conftest import text, tier

FOLDER = Path(__file__).parents[2] / "examples" / "observability"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
_SELECTOR = re.compile(r"\b((?:upshift|process)_[a-z_]+)\b(?:\{([^}]*)\})?")
# What Prometheus adds itself.
_ADDED = {"instance", "job"}


def expressions() -> Iterator[str]:
    """Every query of the dashboard and of the alerts."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (variable["query"] for variable in DASHBOARD["templating"]["list"])
    yield from (note["expr"] for note in DASHBOARD["annotations"]["list"])
    yield from (rule["expr"] for group in ALERTS["groups"] for rule in group["rules"])


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Names of all samples that a server exposes before its first request, with their labels."""
    path = tmp_path_factory.mktemp("observed") / "upshift.yaml"
    path.write_text(text(tier("edge")))
    file = ConfigFile(path)
    served = file.read()
    core = LiveRouter(served.config)
    registry = new_registry()
    registry.register(State(core, Reloader(core, file, served, Versions(path.parent / "versions"))))
    metrics = Metrics(registry)
    metrics.seed(core.tier_names(), core.policy_names(), METHODS)
    # The two whose series begin with an event: what is decided is not known, and certificates are rare.
    labels = {
        "upshift_decisions_total": {"policy", "tier", "reason"},
        "upshift_certificate_alarm_progress": {"policy"},
    }
    for family in registry.collect():
        if family.type == "counter":
            labels.setdefault(f"{family.name}_total", set())
        labels.setdefault(family.name, set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_every_metric_named_exists(expression: str, exposed: dict[str, set[str]]) -> None:
    """And has the labels that are selected by."""
    for name, selected in _SELECTOR.findall(expression):
        assert name in exposed, f"no metric is called {name}"
        for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selected):
            assert label in exposed[name] | _ADDED, f"{name} has no label {label}"


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_every_label_grouped_by_exists(expression: str, exposed: dict[str, set[str]]) -> None:
    """A group by a label that is not there would be one line for all."""
    grouped = {label for part in re.findall(r"by \(([^)]*)\)", expression) for label in part.split(", ")}
    known = set().union(*(exposed[name] for name, _ in _SELECTOR.findall(expression)))
    assert grouped <= known | _ADDED


def test_panels_do_not_overlap() -> None:
    """Each has a place and a number of its own."""
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & places, panel["title"]
        places |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_the_configuration_shown_is_right() -> None:
    """The README's sections load."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    config = parse(text(tier("edge")) + shown)
    assert config.metrics.listen == "127.0.0.1:9464"


def test_prometheus_scrapes_what_the_readme_serves() -> None:
    """The same port, and rules that are there."""
    scraped = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert scraped["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:9464"]
    assert all((FOLDER / name).exists() for name in scraped["rule_files"])
