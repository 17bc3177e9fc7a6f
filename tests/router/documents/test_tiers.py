"""Model tiers as engines: pictures over a real HTTP server, policies from a configuration."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.build import build
from router.config import Config, parse
from router.config.documents import ENGINES
from router.config.problems import ConfigError
from router.documents.assemble import open_pipeline
from router.documents.configured import settings_of
from router.documents.element import Label
from router.documents.engines.profiles import LOCAL_ENGINES
from router.documents.events import Finished
from router.documents.outcome import Verdict
from router.documents.pipeline import Job
from tests.chat_server import STREAM_HEAD, event, respond, serve, usage
from tests.router.documents.conftest import needs_tesseract
from tests.router.documents.files import Sheet, pdf, picture_of, prose, put, table
from tests.router.documents.test_parse_pdf import ROWS
from tests.router.documents.test_pipeline import SCANNED

TABLE = "\n".join(["| " + " | ".join(row) + " |" for row in (ROWS[0], ["---"] * 3, *ROWS[1:])])


class Seeing:
    """A scripted server that keeps what it was shown and answers ``reply``."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.bodies: list[dict[str, Any]] = []

    async def __call__(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Answer."""
        if "path" in body:
            return respond(writer, "200 OK", {"data": [{"id": "eye"}]})
        self.bodies.append(body)
        writer.write(
            STREAM_HEAD + event(self.reply) + event(finish="stop") + usage(1700, 40) + b"data: [DONE]\n\n"
        )
        return None


def _config(url: str, **policy: Any) -> Config:
    options = {"base_url": url, "model": "eye", "images": True, "logprobs": False}
    price = {"input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 4}
    tier = {"name": "eye", "backend": "openai_chat", "options": options, "price": price}
    plain = {"name": "default", "ladder": ["eye"], "objective": {"rule": "fixed", "tier": "eye"}}
    documents = {"policies": [policy]} if policy else {}
    return parse(yaml.safe_dump({"version": 1, "tiers": [tier], "policies": [plain], "documents": documents}))


async def _read(config: Config, path: Path) -> Finished:
    router = build(config)
    try:
        await router.start()
        async with open_pipeline(settings_of(config.documents), asker=router) as pipeline:
            return await pipeline.document(Job(path))
    finally:
        await router.close()


async def test_a_policy_sends_tables_to_a_tier_that_sees(tmp_path: Path) -> None:
    """The tier is shown the table alone as PNG; its Markdown becomes a grid, and its tokens are paid."""
    seeing = Seeing(f"```markdown\n{TABLE}\n```")
    rule = {"rule": "fixed", "tier": "eye"}
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))]))
    async with serve(seeing) as url:
        config = _config(url, name="t", match={"elements": ["table"]}, ladder=["eye"], objective=rule)
        finished = await _read(config, path)
    (found,) = [o for o in finished.document.outcomes if o.element.label is Label.TABLE]
    assert found.engine == "eye"
    assert found.reading is not None
    assert found.reading.grid is not None
    assert found.reading.grid.slots() == ROWS
    assert found.cost_usd_micros == 1700 + 4 * 40
    shown = json.dumps(seeing.bodies[0]["messages"][-1])
    picture = base64.b64decode(
        seeing.bodies[0]["messages"][-1]["content"][0]["image_url"]["url"].split(",")[1]
    )
    assert picture.startswith(b"\x89PNG")
    assert "river" not in shown


@needs_tesseract
async def test_a_tier_that_lies_does_not_replace_what_is_verified(tmp_path: Path) -> None:
    """A reading replaces another only if verification prefers it, whatever its engine costs."""
    seeing = Seeing("Completely different words that nobody ever wrote on this page at all")
    path = put(tmp_path, "a.png", picture_of(SCANNED))
    rule = {"rule": "threshold", "min_confidence": 1.0}
    async with serve(seeing) as url:
        config = _config(url, name="s", ladder=["tesseract", "eye"], objective=rule)
        finished = await _read(config, path)
    (outcome,) = finished.document.outcomes
    assert len(seeing.bodies) == 1
    assert outcome.engine == "tesseract"
    assert outcome.verdict is Verdict.UNVERIFIED


async def test_an_answer_that_is_no_table_counts_as_failed(tmp_path: Path) -> None:
    """The file's own word stands, and the account says what went wrong."""
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))]))
    async with serve(Seeing("I am sorry.")) as url:
        rule = {"rule": "fixed", "tier": "eye"}
        finished = await _read(_config(url, name="t", ladder=["eye"], objective=rule), path)
    (found,) = [o for o in finished.document.outcomes if o.element.label is Label.TABLE]
    assert found.tries[0].failure == "the tier gave no table"
    assert found.verdict is Verdict.UNVERIFIED


def test_ladders_name_what_exists() -> None:
    """A misspelt engine is told with what was meant."""
    rule = {"rule": "threshold"}
    with pytest.raises(ConfigError, match="tesseract"):
        _config("http://127.0.0.1:1/v1", name="t", ladder=["tesserakt"], objective=rule)


def test_configuration_knows_every_engine() -> None:
    """The names that a file may use are those of the engines there are."""
    assert {"parser", *(profile.name for profile in LOCAL_ENGINES)} == set(ENGINES)


async def test_a_tier_spends_no_more_than_is_left(tmp_path: Path) -> None:
    """What a picture is predicted to cost is not paid for twice: the second page goes without."""
    seeing = Seeing(TABLE)
    rule = {"rule": "fixed", "tier": "eye"}
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))] * 2))
    async with serve(seeing) as url:
        config = _config(url, name="t", match={"elements": ["table"]}, ladder=["eye"], objective=rule)
        router = build(config)
        await router.start()
        async with open_pipeline(settings_of(config.documents), asker=router) as pipeline:
            finished = await pipeline.document(Job(path, max_cost_usd_micros=9000))
        await router.close()
    assert len(seeing.bodies) >= 1
    assert finished.cost_usd_micros <= 9000
