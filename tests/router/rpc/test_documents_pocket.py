"""The pocket tiers do the text work of documents over gRPC: real engines, tiny models, no made-up trust."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from upshift.v1 import documents_pb2

from router.build import build
from router.config import ServerConfig, parse
from router.config.documents import DocumentsConfig
from router.rpc.client.documents import DocumentClient
from router.rpc.client.errors import UpshiftError
from router.rpc.server import RouterServer
from tests.router.documents.files import put

EXAMPLES = Path(__file__).parents[3] / "examples"
LETTER = "The ferry leaves at noon.\n\nIt is free.\n"


@asynccontextmanager
async def _pocket() -> AsyncIterator[DocumentClient]:
    """The example's edge and local tiers behind a server; its frontier is another process, and stays out."""
    data = yaml.safe_load((EXAMPLES / "pocket.yaml").read_text(encoding="utf-8"))
    tiers = [tier for tier in data["tiers"] if tier["name"] != "frontier"]
    for tier in tiers:
        tier["options"]["model"] = str(EXAMPLES / tier["options"]["model"])
    default = {"name": "default", "ladder": ["edge", "local"], "objective": data["policies"][0]["objective"]}
    router = build(parse(yaml.safe_dump({"version": 1, "tiers": tiers, "policies": [default]})))
    settings = ServerConfig(listen="127.0.0.1:0")
    try:
        await router.start()
        async with (
            RouterServer(settings, router, documents=DocumentsConfig()) as server,
            DocumentClient(await server.start()) as client,
        ):
            yield client
    finally:
        await router.close()


async def _summary(client: DocumentClient, path: Path, **options: Any) -> documents_pb2.DocumentSummary:
    return [event async for event in client.parse(path, **options)][-1].summary


async def test_pocket_tiers_answer_and_extract_without_made_up_trust(tmp_path: Path) -> None:
    """What they say is told with tier and cost, and is verified only where it stands in the document."""
    path = put(tmp_path, "a.md", LETTER)
    schema = {"type": "object", "properties": {"harbour_master": {"type": "string"}}}
    async with _pocket() as client:
        told = await _summary(client, path, question="When does the ferry leave?", schema=schema)
        answer, (field,) = told.answer, told.fields
        assert answer.tier in ("edge", "local")
        assert answer.cost_usd_micros > 0
        assert all(quote.text in LETTER for quote in answer.quotes)
        is_grounded = bool(answer.quotes) and not answer.invented_quotes
        assert (answer.verdict == documents_pb2.VERDICT_VERIFIED) is is_grounded
        # Nobody is named in the letter: whatever a small model says of it must not be believed.
        assert field.verdict == documents_pb2.VERDICT_UNVERIFIED
        assert not field.HasField("value")

        with pytest.raises(UpshiftError) as broke:
            await _summary(client, path, question="When?", max_cost_usd=0.0)
        assert broke.value.reason == "BUDGET_EXHAUSTED"
        with pytest.raises(UpshiftError) as late:
            await _summary(client, path, question="When?", timeout_s=0.05)
        assert late.value.reason == "DEADLINE_EXCEEDED"
