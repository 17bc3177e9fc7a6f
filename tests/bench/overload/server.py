"""A server of the command line in a process of its own, over a tier that answers so many at a time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.bench.overload.process import Command, Launch, address_of

CONCURRENCY = 8
ANSWER_S = 0.2
"""How long the tier takes for an answer; with the concurrency it sets the peak, on any machine."""

TENANT = "acme"
"""Has limits and a budget; who names no tenant has none."""
INPUT_USD_PER_MILLION, OUTPUT_USD_PER_MILLION = 3, 15

_CONFIG = """
version: 1
server: {{listen: "127.0.0.1:0", drain_grace_s: 20, max_concurrent_requests: 5000}}
journal: {{path: journal.sqlite}}
metrics: {{listen: "127.0.0.1:0"}}
ledger: {{path: ledger.sqlite}}
tenants:
  - name: {tenant}
    limits: {{requests_per_s: 100000, tokens_per_minute: 1000000000}}
    budget: {{usd_per_day: 1000000, usd_per_month: 1000000}}
tiers:
  - name: only
    backend: echo
    options: {{reply: "one answer in four words", first_token_delay_s: {first_s}, token_delay_s: {token_s}}}
    price: {{input_usd_per_million_tokens: {input_usd}, output_usd_per_million_tokens: {output_usd}}}
    limits: {{concurrency: {concurrency}, queue: 64, max_wait_s: {max_wait_s}, typical_latency_s: {answer_s}}}
    resilience: {{adaptive: {{enabled: true}}}}
  - name: provider
    backend: openai_chat
    options: {{base_url: "{provider}", model: m, start_check: false, logprobs: false}}
policies:
  - {{name: default, ladder: [only], objective: {{rule: fixed, tier: only}}}}
  - {{name: provider, ladder: [provider], objective: {{rule: fixed, tier: provider}}}}
"""
_WORD_COUNT = 5


class Server:
    """Runs from ``start`` to one of its ends. Its journal lies in ``folder``; ``launch`` starts it."""

    def __init__(
        self,
        folder: Path,
        *,
        provider: str = "http://127.0.0.1:9/v1",
        quick: bool = False,
        launch: Launch = Command,
    ) -> None:
        self.folder = folder
        self._launch = launch
        answer_s = 0.001 if quick else ANSWER_S
        self._config = _CONFIG.format(
            first_s=answer_s / 2,
            token_s=answer_s / 2 / _WORD_COUNT,
            answer_s=answer_s,
            concurrency=CONCURRENCY,
            max_wait_s=ANSWER_S / 2,
            provider=provider,
            tenant=TENANT,
            input_usd=INPUT_USD_PER_MILLION,
            output_usd=OUTPUT_USD_PER_MILLION,
        )
        self.address = ""

    def start(self) -> None:
        """Return once it serves."""
        (self.folder / "upshift.yaml").write_text(self._config)
        self._process = self._launch(self.folder)
        self.address = address_of(self._process)

    def terminate(self) -> None:
        """Ask it to stop."""
        os.kill(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would."""
        os.kill(self._process.pid, signal.SIGKILL)

    def wait(self, timeout_s: float = 30.0) -> int:
        """Wait for its end; return its exit status."""
        return self._process.wait(timeout_s)
