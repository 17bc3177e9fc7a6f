"""What limits and budgets add to a request: CPU microseconds in the server's process.

The core is asked without a wire, over an instant tier, with limits and with a budget in each kind of ledger
(PostgreSQL joins in where its address is given). Beside it the time of a commit, which every request would
wait for if each were a transaction. Rounds alternate, so that what else the machine does falls on all alike.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import date
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from backends.types import Message, Prompt, Role, Sampling
from router.build import build
from router.config import parse
from router.core import Router
from router.ledger.base import Ceiling, Claim
from router.ledger.sqlite_store import SqliteStore
from router.request import Request

CONFIG = """
version: 1
tiers:
  - name: edge
    backend: echo
    price: {input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 2}
policies: [{name: default, ladder: [edge], objective: {rule: threshold}}]
"""
LIMITS = "limits: {requests_per_s: 1000000, tokens_per_minute: 1000000000}"
BUDGET = "budget: {usd_per_day: 1000, usd_per_month: 10000}"
QUESTION = Prompt((Message(Role.USER, "What is routing?"),), Sampling(max_output_token_count=64))


async def ask(router: Router, number: int) -> None:
    """One request, to its end."""
    async with aclosing(router.run(Request(str(number), QUESTION, tenant="acme"))) as events:
        async for _ in events:
            pass


async def cpu_us(router: Router, request_count: int) -> float:
    """CPU microseconds a request, one after the other."""
    before_s = time.process_time()
    for number in range(request_count):
        await ask(router, number)
    return 1e6 * (time.process_time() - before_s) / request_count


def commit_ms(folder: Path, count: int = 50) -> float:
    """Milliseconds that a transaction of the SQLite ledger takes."""
    store = SqliteStore(folder / "commits.sqlite")
    store.open()
    store.begin("book", date(2026, 11, 27))
    times = []
    for spent in range(count):
        began_s = time.perf_counter()
        store.claim("book", [Claim("acme", spent, spent, Ceiling(10**9))])
        times.append(1e3 * (time.perf_counter() - began_s))
    store.close()
    return statistics.median(times)


async def measured(folder: Path, url: str | None, rounds: int, request_count: int) -> dict[str, list[float]]:
    """CPU microseconds a request of each round, by contender."""
    ledger = "ledger: {path: ledger.sqlite}\n"
    texts = {
        "no limits": "",
        "limits": f"tenants: [{{name: acme, {LIMITS}}}]\n",
        "limits, budget (SQLite)": f"{ledger}tenants: [{{name: acme, {LIMITS}, {BUDGET}}}]\n",
    }
    if url is not None:
        ledger = f'ledger: {{url: "{url}", books: books}}\n'
        texts["limits, budget (PostgreSQL)"] = f"{ledger}tenants: [{{name: acme, {LIMITS}, {BUDGET}}}]\n"
    found: dict[str, list[float]] = {name: [] for name in texts}
    async with AsyncExitStack() as stack:
        routers = {}
        for name, text in texts.items():
            router = routers[name] = build(parse(CONFIG + text, directory=folder))
            stack.push_async_callback(router.close)
            await router.start()
            await cpu_us(router, request_count // 4)
        for _ in range(rounds):
            for name, router in routers.items():
                found[name].append(await cpu_us(router, request_count))
    return found


def show(found: dict[str, list[float]], commit: float) -> None:
    """Print the table, then JSON."""
    table = Table("with", "CPU us a request", "added", title="limits and budgets")
    base = statistics.median(found["no limits"])
    medians = {name: statistics.median(times) for name, times in found.items()}
    for name, median in medians.items():
        table.add_row(name, f"{median:.0f}", f"{median - base:+.0f}")
    Console().print(table)
    print(f"a commit of the SQLite ledger: {commit:.2f} ms (median)")
    print(json.dumps({"cpu_us": medians, "commit_ms": commit}))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=1000, help="a round")
    parser.add_argument("--postgresql", metavar="URL", help="a database that may be written to")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        commit = commit_ms(Path(folder))
        found = uvloop.run(measured(Path(folder), given.postgresql, given.rounds, given.requests))
    show(found, commit)


if __name__ == "__main__":
    main()
