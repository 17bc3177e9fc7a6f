"""``upshift serve``: a server over gRPC until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.config import Config
    from router.serving import Serving

EPILOG = """
**Examples**

`upshift serve` serves ./upshift.yaml.

`upshift serve upshift.yaml --listen 127.0.0.1:0 --json` takes a free port and prints it for programs.

`kill -TERM` drains: running requests get `server.drain_grace_s` to finish.

`kill -HUP` reads the configuration again; one that is wrong changes nothing.
"""

File = Annotated[Path, typer.Argument(metavar="FILE", help="The configuration.")]
Listen = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Listen here, not where the configuration says.")
]


def serve(file: File = Path("upshift.yaml"), listen: Listen = None, json: given.Json = False) -> None:
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
    serving = Serving(file, lambda config: _listening_at(config, listen))
    run(serving.run(_announcer(serving, as_json=json)))


def _listening_at(config: Config, listen: str | None) -> Config:
    if listen is None:
        return config
    from pydantic import ValidationError

    from router.config import ServerConfig

    try:
        server = ServerConfig.model_validate(config.server.model_dump() | {"listen": listen})
    except ValidationError as exc:
        raise typer.BadParameter(f"{listen!r} is neither HOST:PORT nor unix:/path") from exc
    return config.model_copy(update={"server": server})


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
