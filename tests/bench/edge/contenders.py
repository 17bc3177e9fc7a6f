"""The servers that are compared: how each is started with its best settings, and how it is asked.

All get the same model, the same threads, and room for as many answers at once as will be asked for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.edge.llama_server import llama_server
from tests.bench.edge.sources import example_packages, source_folder

# Room for 128 tokens of prompt and 64 of answer.
CONTEXT_TOKEN_COUNT = 256


@dataclass(frozen=True, slots=True)
class Setting:
    """What a server is to run, and how many answers at once; ``folder`` is for its files."""

    model: Path
    thread_count: int
    stream_count: int
    folder: Path
    context_token_count: int = CONTEXT_TOKEN_COUNT


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to serve the model.

    ``command`` gives the command that listens on a port of this machine; it raises MissingError where
    that cannot be had. ``health`` None: it speaks gRPC, and its log says when it is ready. ``body`` is
    added to every request.
    """

    name: str
    command: Callable[[Setting, int], tuple[str, ...]]
    health: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    environment: Callable[[], Mapping[str, str]] = dict


def upshift_command(setting: Setting, port: int, **options: object) -> tuple[str, ...]:
    """``upshift serve`` with one tier; ``options`` are added to those of its backend."""
    tier = {
        "name": "edge",
        "backend": "llamacpp",
        "options": {
            "model": str(setting.model),
            "context_token_count": setting.context_token_count,
            "sequence_count": setting.stream_count,
            "thread_count": setting.thread_count,
            **options,
        },
        "limits": {"concurrency": setting.stream_count},
    }
    config = {
        "version": 1,
        "server": {"listen": f"127.0.0.1:{port}"},
        "journal": {"path": str(setting.folder / f"journal-{port}.sqlite")},
        "confidence": {"uncalibrated": "token_probability"},
        "tiers": [tier],
        "policies": [{"name": "default", "ladder": ["edge"], "objective": {"rule": "threshold"}}],
    }
    path = setting.folder / f"upshift-{port}.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return (sys.executable, "-m", "router.cli", "serve", str(path), "--json")


def _stock(setting: Setting, port: int) -> tuple[str, ...]:
    options = {
        "model": setting.model,
        "n_ctx": setting.context_token_count,
        "n_threads": setting.thread_count,
        "n_threads_batch": setting.thread_count,
        # Its defaults cut a stream when the next comes, and compute log-probabilities nobody asked for.
        "interrupt_requests": False,
        "logits_all": False,
        "verbose": False,
        "port": port,
    }
    given = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return (sys.executable, "-m", "llama_cpp.server", *given)


def _example(setting: Setting, port: int) -> tuple[str, ...]:
    config = {
        "server": {"port": port},
        "model": {
            "path": str(setting.model),
            "alias": "model",
            "n_ctx": setting.context_token_count * setting.stream_count,
            "n_seq_max": setting.stream_count,
            "n_batch": 512,
            "n_ubatch": 512,
            "threads": setting.thread_count,
            "threads_batch": setting.thread_count,
            "store_logits": False,
        },
    }
    path = setting.folder / f"example-{port}.json"
    path.write_text(json.dumps(config))
    server = source_folder() / "examples" / "server" / "server.py"
    return (sys.executable, "-m", "tests.bench.edge.example_server", str(server), "--config-file", str(path))


def _llama_server(setting: Setting, port: int) -> tuple[str, ...]:
    options = {
        "model": setting.model,
        "parallel": setting.stream_count,
        "ctx-size": setting.context_token_count * setting.stream_count,
        "threads": setting.thread_count,
        "threads-batch": setting.thread_count,
        "port": port,
    }
    given = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return (str(llama_server()), "--cont-batching", "--no-webui", *given)


UPSHIFT = Contender("upshift", upshift_command)
STOCK = Contender("llama_cpp.server", _stock, "/v1/models")
EXAMPLE = Contender(
    "examples/server", _example, "/healthz", environment=lambda: {"PYTHONPATH": str(example_packages())}
)
LLAMA_SERVER = Contender("llama-server", _llama_server, "/health")
LLAMA_SERVER_LOGPROBS = Contender("llama-server n_probs", _llama_server, "/health", {"logprobs": 1})
