"""``upshift ask``: one question, its answer as it comes, and the way that it took.

The answer goes to standard output and everything else to standard error, so that it can be piped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.access import Access, Key, TlsCa, TlsCertificate, TlsKey
from router.cli.asking import read_prompt, read_schema

if TYPE_CHECKING:
    from router.rpc.client import Options

EPILOG = """
**Examples**

`upshift ask "What is 48 + 77?"` asks the server on this machine.

`upshift ask -c upshift.yaml "hello"` needs no server: it loads the models here.

`cat report.txt | upshift ask - --schema fields.json --json` reads the prompt, wants JSON, gives JSON.

`upshift ask --policy always_edge --min-confidence 0.9 "..."` says how to decide.
"""

Retraction = Annotated[
    bool, typer.Option("--allow-retraction", help="Show text before it is trusted; it may be withdrawn.")
]
Stream = Annotated[bool, typer.Option(help="Show text as it comes, or all at the end.")]


def ask(
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
    system: given.System = None,
    schema: given.Schema = None,
    timeout: given.Timeout = None,
    allow_retraction: Retraction = False,
    stream: Stream = True,
    key: Key = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Ask a question; show the answer, the tiers that it took, its confidence, cost and time."""
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
        "system": system,
        "schema": read_schema(schema),
        "timeout_s": timeout,
        "allow_retraction": allow_retraction and stream and not json,
    }

    from router.cli.inprocess import askable
    from router.cli.transcript import JsonAccount, Transcript
    from router.config import load

    listener = JsonAccount() if json else Transcript(live=stream)

    async def follow() -> None:
        async with askable(server, None if config is None else load(config), access) as asked:
            async for event in asked.stream(question, **options):
                listener.hear(event)

    asyncio.run(follow())
