"""LiteLLM's proxy in an environment of its own, as it is started for production: one worker.

Its virtual keys, their limits and their budgets need PostgreSQL and a client that Prisma downloads when it is
installed; so it asks for its master key, counts for Prometheus, and has neither limits nor budgets.
"""

from __future__ import annotations

import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from tests.bench.edge.process import Process, free_port, started
from tests.bench.gateway.contender import Contender
from tests.bench.gateway.http_asking import http_asking

ON = "master key, Prometheus; no limits, no budgets"
_START_TIMEOUT_S = 180.0
_CONFIG = """
model_list:
  - model_name: auto
    litellm_params: {{model: openai/m, api_base: "{upstream}", api_key: none}}
general_settings: {{master_key: {key}}}
litellm_settings: {{callbacks: [prometheus]}}
"""
_ENVIRONMENT = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    # Else it asks the network for today's prices before it serves.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PYTHONPATH": "",
}


@contextmanager
def litellm(installed: Path, folder: Path, upstream: str) -> Iterator[Contender]:
    """Serve the model ``auto`` from ``upstream``; ``installed`` is its environment."""
    key = f"sk-{secrets.token_hex(24)}"
    config = folder / "litellm.yaml"
    config.write_text(_CONFIG.format(upstream=upstream, key=key))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [installed / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", port]
    with started([str(word) for word in command], folder / "litellm.log", _ENVIRONMENT) as process:
        _wait(process, f"{address}/health/liveliness")
        yield Contender("LiteLLM", ON, address, process, http_asking(key))


def _wait(process: Process, url: str) -> None:
    ends_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < ends_s:
        process.check()
        try:
            with urllib.request.urlopen(url, timeout=2.0):
                return
        except (URLError, TimeoutError):
            time.sleep(0.5)
    raise RuntimeError(f"{url} did not answer within {_START_TIMEOUT_S:g} s")
