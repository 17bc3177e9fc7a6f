"""Whether arms pay: ``python -m tests.bench.arms``.

Offline on recorded answers (``date-votes.jsonl.gz`` of the folder that ``UPSHIFT_OUTCOMES`` names,
passed over where it is absent), then live: the pocket edge and frontier learn from fresh prompts,
samples of the edge among them, and serve others by cascade routing with an arm and without. Prints
tables, and one JSON object as the last line. Some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from router.cli.screen import screen
from tests.bench.arms.live import lived
from tests.bench.arms.offline import WEAK, judged, records
from tests.bench.arms.tables import live_table, offline_table
from tests.bench.routing import folder


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.arms", description=__doc__)
    parser.add_argument("--weak", action="append", help="only this way of sampling; repeat it for several")
    parser.add_argument("--learn", type=int, default=600, help="prompts to learn from, live; 0: offline only")
    parser.add_argument("--count", type=int, default=300, help="prompts to serve each way, live")
    parser.add_argument("--seed", type=int, default=0, help="draws folds, resamples and prompts")
    arguments = parser.parse_args()
    path = folder() / "date-votes.jsonl.gz"
    offline = []
    for weak in (arguments.weak or WEAK) if path.is_file() else ():
        offline.append(judged(records(path, weak), weak, arguments.seed))
        print(f"{weak}: done", file=sys.stderr)
    screen().print(offline_table(offline))
    served = asyncio.run(lived(arguments.learn, arguments.count, arguments.seed)) if arguments.learn else []
    screen().print(live_table(served))
    figures = {"offline": [row.to_json() for row in offline], "live": [row.to_json() for row in served]}
    print(json.dumps({"seed": arguments.seed, **figures}))


if __name__ == "__main__":
    main()
