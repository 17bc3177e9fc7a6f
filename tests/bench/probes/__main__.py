"""Which probes pay on the pocket family: ``python -m tests.bench.probes``.

Real engines answer fresh test prompts. First the edge answers with every probe, whatever it could
change: how much better its confidence becomes by each (models fitted on other answers), and what
that costs. Then a cascade serves other prompts with the probes that a fitted artefact finds useful,
and again without. Prints two tables, and one JSON object as the last line. Two to four minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json

from router.cli.screen import screen
from tests.bench.probes.collect import collect
from tests.bench.probes.serve import serve
from tests.bench.probes.tables import served_table, worth_table
from tests.bench.probes.worth import judged


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.probes", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="prompts of each of the two parts")
    parser.add_argument("--seed", type=int, default=4711, help="which prompts are drawn")
    arguments = parser.parse_args()
    seen = asyncio.run(collect(arguments.count, arguments.seed))
    worth = judged(seen)
    screen().print(worth_table(worth))
    served = asyncio.run(serve(seen, arguments.count, arguments.seed + 1))
    screen().print(served_table(served))
    figures = {"worth": [row.to_json() for row in worth], "served": [row.to_json() for row in served]}
    print(json.dumps({"count": arguments.count, "seed": arguments.seed, **figures}))


if __name__ == "__main__":
    main()
