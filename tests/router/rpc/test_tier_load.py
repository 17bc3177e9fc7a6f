"""How busy a model is, over the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest
from upshift.v1 import router_pb2

from backends.load import Load
from router.rpc.load import load_message, load_of

BUSY = Load(
    3,
    2,
    4,
    read_token_count=5,
    cached_token_count=6,
    written_token_count=7,
    unread_token_count=8,
    pass_token_count=9,
    pass_s=0.5,
    read_s=0.001,
    token_s=0.02,
    answer_s=3.5,
    hit_rate=0.0,
)


@pytest.mark.parametrize("load", [BUSY, Load(0, 0, 1), replace(BUSY, hit_rate=None, answer_s=None)])
def test_comes_over_as_it_was(load: Load) -> None:
    """What was not measured stays unmeasured, and 0 stays 0."""
    assert load_of(router_pb2.Tier(load=load_message(load))) == load


def test_a_tier_without_has_none() -> None:
    """An older server, or a service elsewhere, says nothing."""
    assert load_of(router_pb2.Tier(name="edge")) is None
