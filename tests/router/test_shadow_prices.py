"""Prices of money found on records: for policies with a budget, and served from then on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policies.artefact import load
from policies.outcomes import OutcomeRecord
from router.build import spending_of
from router.certificates.issue import Target, learn
from router.config import Config, parse
from router.shadow_prices import shadow_prices
from tests.policies.ladder import records

CONFIG = """
version: 1
learnt: LEARNT
difficulty: {estimator: linear}
tiers:
  - {name: edge, backend: echo, price: {output_usd_per_million_tokens: 1}}
  - {name: local, backend: echo, price: {output_usd_per_million_tokens: 5}}
  - {name: frontier, backend: echo, price: {output_usd_per_million_tokens: 50}}
policies:
  - {name: thrifty, ladder: [edge, local, frontier],
     objective: {rule: cascade_routing, budget_usd_per_request: 0.0001}, match: {tags: [thrifty]}}
  - {name: lavish, ladder: [edge, local, frontier],
     objective: {rule: cascade_routing, budget_usd_per_request: 0.0005}, match: {tags: [lavish]}}
  - {name: valued, ladder: [edge, local, frontier],
     objective: {rule: cascade_routing, value_of_correct_usd: 0.01}}
"""


@pytest.fixture(scope="module")
def graded() -> list[OutcomeRecord]:
    """Three hundred prompts of the made-up ladder."""
    return records(300, seed=5)


def config(folder: Path) -> Config:
    return parse(CONFIG.replace("LEARNT", str(folder / "learnt.json")))


def test_a_smaller_budget_makes_money_dearer(graded: list[OutcomeRecord], tmp_path: Path) -> None:
    """Every policy with a budget gets its own price, and one with a value none."""
    found = shadow_prices(config(tmp_path), graded, seed=0)
    assert set(found) == {"thrifty", "lavish"}
    assert found["thrifty"].dear > found["lavish"].cheap


def test_calibration_leaves_it_to_the_server(graded: list[OutcomeRecord], tmp_path: Path) -> None:
    """It is written with what is learnt, and the policy's spending begins with it."""
    settings = config(tmp_path)
    learnt = learn(Target(settings, settings.policies[0], tmp_path / "learnt.json"), graded)
    assert load(tmp_path / "learnt.json").shadow_prices == learnt.shadow_prices
    price = learnt.shadow_prices["thrifty"]
    spending = spending_of(settings.policies[0], learnt)
    assert spending is not None
    assert spending.price(price.dear_share) == pytest.approx(np.sqrt(price.dear * price.cheap))
    assert spending_of(settings.policies[2], learnt) is None


def test_too_few_records_find_nothing(graded: list[OutcomeRecord], tmp_path: Path) -> None:
    """The server then begins with a guess and comes to the budget by itself."""
    assert shadow_prices(config(tmp_path), graded[:12], seed=0) == {}
