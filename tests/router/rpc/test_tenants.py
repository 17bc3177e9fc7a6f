"""Tenants over gRPC: keys, limits, money and feedback together, on a router built from a configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from router.build import build
from router.config import Config, parse
from router.rpc.client import AsyncClient, UpshiftError
from router.rpc.server import RouterServer
from router.tenants.key_ring import KeyRing
from tests.router.rpc.test_authentication import key

CONFIG = """
version: 1
server: {listen: "127.0.0.1:0"}
auth: {keys: keys.json}
journal: {path: journal.sqlite}
ledger: {path: ledger.sqlite}
tenants:
  - {name: hasty, limits: {requests_per_s: 0.001, burst: 1}}
  - {name: poor, budget: {usd_per_day: 0.00001}}
tiers:
  - name: edge
    backend: echo
    price: {input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 1}
policies:
  - {name: default, ladder: [edge], objective: {rule: threshold}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse(CONFIG, directory=tmp_path)


@pytest.fixture
async def address(config: Config) -> AsyncIterator[str]:
    assert config.auth.keys is not None
    for tenant in ("hasty", "poor", "acme", "*"):
        KEYS[tenant] = key(config.auth.keys, tenant)
    async with RouterServer(config.server, build(config), KeyRing(config.auth.keys)) as server:
        yield await server.start()


KEYS: dict[str, str] = {}


async def refusal(client: AsyncClient) -> UpshiftError:
    """Ask until it is refused."""
    for _ in range(10):
        try:
            await client.generate("hi there", max_output_tokens=4)
        except UpshiftError as error:
            return error
    raise AssertionError("ten requests were answered")


async def test_too_many_requests_are_told_when_to_come_back(address: str) -> None:
    """RESOURCE_EXHAUSTED with RetryInfo."""
    async with AsyncClient(address, key=KEYS["hasty"]) as client:
        await client.decide("hi")
        error = await refusal(client)
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert error.retry_after_s == pytest.approx(1000.0, abs=60.0)


async def test_a_spent_budget_is_told_apart_from_the_requests_own(address: str) -> None:
    """It names the tenant, and when there is money again."""
    async with AsyncClient(address, key=KEYS["poor"]) as client:
        await client.generate("hi there", max_output_tokens=4)
        error = await refusal(client)
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "BUDGET_EXHAUSTED")
    assert error.metadata["tenant"] == "poor"
    assert error.retry_after_s is not None
    assert 0 < error.retry_after_s <= 86_400.0


async def test_others_are_not_held_up(address: str) -> None:
    """A tenant that the list does not name has no limits here."""
    async with AsyncClient(address, key=KEYS["acme"]) as client:
        for _ in range(20):
            assert (await client.generate("hi there")).cost_usd > 0


async def test_feedback_is_for_ones_own_requests(address: str) -> None:
    """Another tenant's request is as good as not there; a key for all tenants may speak of each."""
    async with AsyncClient(address, key=KEYS["acme"]) as client:
        request_id = (await client.generate("hi there")).request_id
    async with AsyncClient(address, key=KEYS["poor"]) as client:
        errors = []
        for asked in (request_id, "never-asked"):
            with pytest.raises(UpshiftError) as caught:
                await client.submit_feedback(asked, 0.0)
            errors.append((caught.value.code, str(caught.value).replace(asked, "…")))
    assert errors[0] == errors[1]
    assert errors[0][0] is grpc.StatusCode.NOT_FOUND
    for tenant in ("acme", "*"):
        async with AsyncClient(address, key=KEYS[tenant]) as client:
            await client.submit_feedback(request_id, 1.0, source=tenant)
