"""Whether it pays to show rejected answers to the next tier: ``python -m tests.bench.drafts``.

Asks the pocket family fresh prompts of the test split twice, over the real engines: with drafts and without.
Only requests that shift up and were shown a draft can differ. Prints a table, and one JSON object as the
last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from examples.pocket.calibrate import LEARNT
from policies.threshold import ThresholdOptions
from router.draft import USED_DRAFT
from tests.bench.paired import Pair, paired, saved_share


@dataclass(frozen=True, slots=True)
class Figures:
    """Of ``drafted_count`` requests that were shown a draft: right answers, tokens read, and cost.

    ``gained_count`` were right only with it, ``lost_count`` only without.
    """

    prompt_count: int
    drafted_count: int
    right_plain_count: int
    right_drafted_count: int
    gained_count: int
    lost_count: int
    more_tokens_read_share: float
    more_cost_share: float


def figures(pairs: Sequence[Pair]) -> Figures:
    """Sum up."""
    drafted = [pair for pair in pairs if any(USED_DRAFT in a.signals for a in pair.other.attempts)]
    read = [(p.plain.usage.input_token_count, p.other.usage.input_token_count) for p in drafted]
    costs = [(p.plain.cost_usd_micros, p.other.cost_usd_micros) for p in drafted]
    return Figures(
        prompt_count=len(pairs),
        drafted_count=len(drafted),
        right_plain_count=sum(pair.plain_right for pair in drafted),
        right_drafted_count=sum(pair.other_right for pair in drafted),
        gained_count=sum(pair.other_right and not pair.plain_right for pair in drafted),
        lost_count=sum(pair.plain_right and not pair.other_right for pair in drafted),
        more_tokens_read_share=-saved_share(read),
        more_cost_share=-saved_share(costs),
    )


def _table(found: Figures) -> Table:
    table = Table(title="Rejected answers shown to the next tier, against plain requests", show_header=False)
    rows = {
        "prompts": found.prompt_count,
        "requests shown a draft": found.drafted_count,
        "of these right": f"{found.right_plain_count} -> {found.right_drafted_count}",
        "gained, lost": f"{found.gained_count}, {found.lost_count}",
        "more tokens read": f"{100 * found.more_tokens_read_share:.0f} %",
        "more cost": f"{100 * found.more_cost_share:.0f} %",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drafts", description=__doc__)
    parser.add_argument("--learnt", type=Path, default=LEARNT, help="what was learnt")
    parser.add_argument("--ask", type=int, default=200, help="fresh prompts to ask, at most 1,000")
    parser.add_argument("--min-confidence", type=float, default=0.9, help="confidence that answers must have")
    parser.add_argument("--seed", type=int, default=2026, help="which prompts are drawn")
    arguments = parser.parse_args()
    plain = ThresholdOptions(min_confidence=arguments.min_confidence, stop_early=False)
    drafted = plain.model_copy(update={"reuse_draft": True})
    pairs = asyncio.run(paired(arguments.learnt, plain, drafted, count=arguments.ask, seed=arguments.seed))
    found = figures(pairs)
    Console().print(_table(found))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
