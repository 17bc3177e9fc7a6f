"""Prompts that words leave open are read by an encoder, while that is quick and nothing is certified."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from backends.encoder.encoder import TextEncoder
from backends.errors import Unavailable
from policies.artefact import ArtefactError
from policies.difficulty.embedded import Embedded, EncoderIdentity, probe_of
from router.certificates.warrant import Permit
from router.config.encoder import EncoderConfig
from router.events import Decided
from router.outcomes.embedding import with_embeddings
from router.plan import Plan
from router.second_look import Looks, SecondLook
from router.tiers import Tier
from tests.policies.ladder import records
from tests.router.conftest import House, ask

WIDTH, HEADS = 4, 5
TIERS = ("edge", "local", "frontier")


class FakeEncoder:
    """Reads at once, or not before ``gate`` opens; ``error`` instead of an answer."""

    def __init__(self, sha256: str = "aa", error: Exception | None = None) -> None:
        self.sha256 = sha256
        self.error = error
        self.gate = asyncio.Event()
        self.gate.set()
        self.texts: list[str] = []

    async def start(self) -> None:
        """Nothing to load, unless that fails."""
        if isinstance(self.error, Unavailable):
            raise self.error

    async def close(self) -> None:
        """Nothing to free."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The same vector for every text."""
        self.texts += texts
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [[1.0, 0.0, 0.0, 0.0] for _ in texts]


def heads(band: tuple[float, float] = (-1.0, 1.0)) -> Embedded:
    """Heads that make every tier better than words do."""
    weights = np.zeros((WIDTH, HEADS))
    weights[0] = 4.0
    shares, probe = np.full(HEADS, 0.5), probe_of(WIDTH)
    identity = EncoderIdentity("made-up", "aa", 64)
    return Embedded(identity, TIERS, weights, np.zeros(HEADS), shares, 0.0, band, probe @ weights)


def looking(
    encoder: FakeEncoder, band: tuple[float, float] = (-1.0, 1.0), limit_s: float = 30.0
) -> SecondLook:
    """A second look by ``encoder``."""
    return SecondLook(heads(band), encoder, limit_s)


@pytest.fixture
def plan(ladder: list[Tier]) -> Plan:
    """A plan over three tiers, by words alone."""
    house = House(ladder)
    house.router()
    return house.planner().plan(ask("why"))


def qualities(plan: Plan) -> list[float]:
    """What is predicted of the tiers."""
    return [rung.estimate.quality for rung in plan.rungs]


async def test_what_is_read_in_time_counts(plan: Plan) -> None:
    """Predictions are those of both; lengths stay as they were."""
    look = looking(FakeEncoder())
    found = await look.look(plan)
    expected = heads().qualities(dict(zip(TIERS, qualities(plan), strict=True)), np.array([1.0, 0, 0, 0]))
    assert qualities(found) == pytest.approx([expected[tier] for tier in TIERS])
    assert [rung.estimate.output_token_count for rung in found.rungs] == [4, 4, 4]
    assert look.looks == Looks(read=1)


async def test_what_is_late_does_not(plan: Plan) -> None:
    """The request goes on by words; who comes while it is still being read is not kept waiting."""
    encoder = FakeEncoder()
    encoder.gate.clear()
    look = looking(encoder, limit_s=0.001)
    assert await look.look(plan) is plan
    assert await look.look(plan) is plan
    assert (look.looks, len(encoder.texts)) == (Looks(late=1, busy=1), 1)
    encoder.gate.set()
    await look.close()


async def test_what_words_settle_is_not_read(plan: Plan) -> None:
    """Nor what a certificate covers: it was tested without."""
    encoder = FakeEncoder()
    assert await looking(encoder, band=(0.9, 1.0)).look(plan) is plan
    covered = replace(plan, permit=cast("Permit", object()))
    assert await looking(encoder).look(covered) is covered
    assert encoder.texts == []


async def test_an_encoder_that_fails_is_done_without(plan: Plan, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once a failure, by kind, and never with the prompt."""
    assert await looking(FakeEncoder(error=RuntimeError("why"))).look(plan) is plan
    assert caplog.messages == ["the encoder gave nothing (RuntimeError)"]


async def test_another_encoder_than_was_learnt_from_is_refused() -> None:
    """Its embeddings would mean something else."""
    with pytest.raises(ArtefactError, match="calibrate again"):
        await looking(FakeEncoder(sha256="bb")).start()
    with pytest.raises(ArtefactError, match="no such folder"):
        await looking(FakeEncoder(error=Unavailable("no such folder"))).start()
    await looking(FakeEncoder()).start()


async def test_a_router_decides_by_what_was_read(ladder: list[Tier]) -> None:
    """What is told of the decision is the prediction of both."""
    house, encoder = House(ladder), FakeEncoder()
    router = house.router()
    router._second_look = looking(encoder)
    decided = [event async for event in router.run(ask("why")) if isinstance(event, Decided)]
    by_words = router.decide(ask("why"))
    assert encoder.texts == ["why"]
    assert decided[0].estimates[0].quality > by_words.estimates[0].quality


async def test_records_are_read_as_requests_are(tmp_path: Path) -> None:
    """By a real encoder of random weights, which is told by its hash."""
    from backends.encoder.encoder import EncoderSettings
    from tests.tiny_encoder import make_encoder

    folder = make_encoder(tmp_path / "encoder")
    read, identity = await with_embeddings(records(3, seed=1), TextEncoder(EncoderSettings(str(folder))))
    again, same = await with_embeddings(records(3, seed=1), TextEncoder(EncoderSettings(str(folder))))
    assert identity == same
    assert (identity.name, identity.token_limit) == (str(folder), 64)
    for first, second in zip(read, again, strict=True):
        assert first.embedding is not None
        assert first.embedding == pytest.approx(second.embedding)


def test_a_folder_beside_the_configuration_is_found(tmp_path: Path) -> None:
    """Another name is left as it is: the hub's."""
    (tmp_path / "minilm").mkdir()
    assert EncoderConfig(model="minilm").below(tmp_path).model == str((tmp_path / "minilm").resolve())
    assert EncoderConfig(model="org/minilm").below(tmp_path).model == "org/minilm"
