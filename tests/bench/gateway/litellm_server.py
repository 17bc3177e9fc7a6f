"""LiteLLM's proxy in an environment of its own, as it is started for production: one worker.

Its virtual keys, their limits and their budgets need PostgreSQL and a client that Prisma downloads when it is
installed; so it asks for its master key, and has neither limits nor budgets.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.edge.process import free_port, started
from tests.bench.gateway.contender import Contender, answering
from tests.bench.gateway.http_asking import http_asking

_ON = ("master key", "master key, metrics")
_CONFIG = """
model_list:
  - model_name: auto
    litellm_params: {{model: openai/m, api_base: "{upstream}", api_key: none}}
general_settings: {{master_key: {key}}}
litellm_settings: {{callbacks: {callbacks}}}
"""
_ENVIRONMENT = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    # Else it asks the network for today's prices before it serves.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONPATH": "",
}


@contextmanager
def litellm(installed: Path, folder: Path, upstream: str, *, counts: bool) -> Iterator[Contender]:
    """Serve the model ``auto`` from ``upstream``; ``installed`` is its environment.

    ``counts``: it keeps figures for Prometheus, too.
    """
    name = "LiteLLM, metrics" if counts else "LiteLLM"
    key = f"sk-{secrets.token_hex(24)}"
    config = folder / f"{name}.yaml"
    config.write_text(
        _CONFIG.format(upstream=upstream, key=key, callbacks="[prometheus]" if counts else "[]")
    )
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [installed / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", port]
    with started([str(word) for word in command], folder / f"{name}.log", _ENVIRONMENT) as process:
        answering(process, f"{address}/health/liveliness")
        yield Contender(name, _ON[counts], address, process, http_asking(key))
