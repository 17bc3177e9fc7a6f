"""``upshift explain``: what would be decided for a prompt, and on what grounds. No model runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.cli import parameters as given
from router.cli.access import Access, Key, TlsCa, TlsCertificate, TlsKey
from router.cli.asking import read_prompt, read_schema

if TYPE_CHECKING:
    from router.rpc.client import Options

EPILOG = """
**Examples**

`upshift explain "Sort: 9 4 7"` asks the server on this machine.

`upshift explain -c upshift.yaml "Sort: 9 4 7"` needs neither a server nor the models; tokens are then
counted as words.

`upshift explain --json "..." | jq .estimates` is for programs.
"""


def explain(
    prompt: given.Question,
    config: given.OwnConfig = None,
    server: given.Server = given.DEFAULT_SERVER,
    policy: given.PolicyName = None,
    min_confidence: given.MinConfidence = None,
    max_cost: given.MaxCost = None,
    tier: given.TierNames = None,
    local_only: given.LocalOnly = False,
    redact: given.Redact = False,
    tag: given.Tags = None,
    schema: given.Schema = None,
    key: Key = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Show the prompt's features, what each tier is predicted to give and cost, and the decision."""
    question = read_prompt(prompt)
    access = Access(key, tls_ca, tls_certificate, tls_key)
    options: Options = {
        "policy": policy,
        "min_confidence": min_confidence,
        "max_cost_usd": max_cost,
        "tiers": tier or (),
        "local_only": local_only,
        "redact": redact,
        "tags": tag or (),
        "schema": read_schema(schema),
    }

    from router.cli.decision import print_decision
    from router.cli.inprocess import askable
    from router.cli.rehearsal import rehearsal
    from router.config import load

    async def decide() -> None:
        own = None if config is None else rehearsal(load(config, allow_unset_env=True))
        async with askable(server, own, access) as asked:
            print_decision(await asked.decide(question, **options), as_json=json)

    asyncio.run(decide())
