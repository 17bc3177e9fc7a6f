"""``upshift serve``: a server over gRPC and HTTP until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.config import Config
    from router.serving import Serving

EPILOG = """
**Examples**

`upshift serve` serves ./upshift.yaml.

`upshift serve upshift.yaml --listen 127.0.0.1:0 --json` takes a free port and prints it for programs.

`upshift serve --http 127.0.0.1:8080` speaks OpenAI's API at http://127.0.0.1:8080/v1 too; ask for `auto`.

`kill -TERM` drains: running requests get `server.drain_grace_s` to finish.

`kill -HUP` reads the configuration again; one that is wrong changes nothing.
"""

File = Annotated[Path, typer.Argument(metavar="FILE", help="The configuration.")]
Listen = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Listen here, not where the configuration says.")
]


Http = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Speak OpenAI's and Anthropic's APIs here, not where gateway.listen says."
    ),
]


def serve(
    file: File = Path("upshift.yaml"), listen: Listen = None, http: Http = None, json: given.Json = False
) -> None:
    """Load the tiers of a configuration and answer requests until SIGTERM or Ctrl-C."""
    import os

    # Engines' threads must not spin while they wait: with any other work on the cores, decoding slows
    # down a hundredfold (0.9 to over 200 ms a token, measured on two cores). Read when OpenMP loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    from router.config import load
    from router.observe.log_lines import configure
    from router.rpc.server import run
    from router.serving import Serving

    logs = load(file).logs
    configure(logs.format, level=logs.level)
    serving = Serving(file, lambda config: _listening_at(config, {"server": listen, "gateway": http}))
    run(serving.run(_announcer(serving, as_json=json)))


def _listening_at(config: Config, addresses: Mapping[str, str | None]) -> Config:
    """``config``, with sections that listen elsewhere; None: where it says."""
    from pydantic import ValidationError

    changed = {}
    for name, address in addresses.items():
        if address is None:
            continue
        section = getattr(config, name)
        try:
            changed[name] = type(section).model_validate(section.model_dump() | {"listen": address})
        except ValidationError as exc:
            raise typer.BadParameter(f"{address!r} is neither HOST:PORT nor unix:/path") from exc
    return config.model_copy(update=changed)


def _announcer(serving: Serving, *, as_json: bool) -> Callable[[str], None]:
    def announce(address: str) -> None:
        tiers = serving.core.tiers()
        if as_json:
            from json import dumps

            ready = {tier.name: tier.ready for tier in tiers}
            event = {"event": "ready", "address": address, "tiers": ready, **serving.addresses()}
            print(dumps(event), flush=True)
            return
        for tier in tiers:
            state = "ready" if tier.ready else "not ready"
            print(f"  {tier.name:<12} {state:<10} {tier.backend} {tier.model}", file=sys.stderr)
        for name, where in serving.addresses().items():
            print(f"  {name:<12} {where}", file=sys.stderr)
        print(f"upshift serves on {address}", file=sys.stderr, flush=True)

    return announce
