"""Other people's clients, the gateway and the pocket tiers: nothing between them is made up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from openai import OpenAI

from tests.e2e.conftest import FrontierServer

EXAMPLES = Path(__file__).parents[2] / "examples"
SUM: Any = [{"role": "user", "content": "What is 48 + 77?"}]
pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HTTP port of ``upshift serve examples/pocket.yaml``, whose frontier is a server of its own."""
    folder = tmp_path_factory.mktemp("gateway")
    frontier = FrontierServer(EXAMPLES / "pocket" / "weights" / "frontier.gguf", folder / "frontier.log")
    settings = {
        "UPSHIFT_LISTEN": "127.0.0.1:0",
        "UPSHIFT_JOURNAL": str(folder / "journal.sqlite"),
        "UPSHIFT_POCKET_FRONTIER_URL": f"{frontier.url}/v1",
    }
    words = ("serve", str(EXAMPLES / "pocket.yaml"), "--http", "127.0.0.1:0", "--json")
    try:
        frontier.wait()
        with subprocess.Popen(
            [sys.executable, "-m", "router.cli", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | settings,
        ) as server:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline())
            assert all(ready["tiers"].values())
            yield f"http://{ready['gateway']}"
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
    finally:
        frontier.close()


def test_openai(url: str) -> None:
    """Its client is answered rightly by a tier that says why it was enough."""
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=SUM)
        assert "125" in (raw.parse().choices[0].message.content or "")
        assert raw.headers["x-upshift-tier"] in ("edge", "local", "frontier")
        assert float(raw.headers["x-upshift-confidence"]) > 0.9


def test_every_tier_by_its_name(url: str) -> None:
    """A tier's name as the model asks that tier alone, streamed too."""
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        for tier in ("edge", "local", "frontier"):
            stream = client.chat.completions.create(
                model=tier, messages=SUM, stream=True, extra_body={"upshift": {"policy": "default"}}
            )
            chunks = list(stream)
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            assert chunks[-1].model == tier


def test_log_probabilities_of_the_engine(url: str) -> None:
    """They are the model's own: every token with its best rivals, none above certainty."""
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        answer = client.chat.completions.create(model="edge", messages=SUM, logprobs=True, top_logprobs=3)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in logprobs.content)


def test_structured_output_of_the_engine(url: str) -> None:
    """The edge is held to the schema while it writes."""
    number = {"type": "integer", "minimum": 0, "maximum": 999}
    schema = {
        "type": "object",
        "properties": {"n": number},
        "required": ["n"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "number", "schema": schema}}
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        answer = client.chat.completions.create(model="edge", messages=SUM, response_format=form)
    assert isinstance(json.loads(answer.choices[0].message.content or "")["n"], int)


def test_anthropic(url: str) -> None:
    """Its client streams an answer of the same tiers."""
    with (
        Anthropic(base_url=url, api_key="none") as client,
        client.messages.stream(model="auto", max_tokens=100, messages=SUM) as stream,
    ):
        assert "125" in "".join(stream.text_stream)


def test_embeddings_of_the_engine(url: str) -> None:
    """Like texts are alike; vectors have length 1."""
    with OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        texts = ["What is 48 + 77?", "What is 48 + 78?", "Sort the words: pear, apple"]
        found = client.embeddings.create(model="edge", input=texts)
    first, second, third = (item.embedding for item in found.data)
    assert sum(x * x for x in first) == pytest.approx(1, abs=1e-3)
    near, far = (sum(a * b for a, b in zip(first, other, strict=True)) for other in (second, third))
    assert near > far


def test_tools_find_no_tier_here(url: str) -> None:
    """No pocket model can call tools; that is said, and not silently done without."""
    tool = {"type": "function", "function": {"name": "add"}}
    answer = httpx.post(
        f"{url}/v1/chat/completions", json={"model": "auto", "messages": SUM, "tools": [tool]}, timeout=30
    )
    assert answer.status_code == 400
    assert "no_tools" in answer.json()["error"]["message"]
