"""How far a collection is, told in a log: seldom, and with what is left."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from router.collect.answers import Answer, Failure, Slot
from router.collect.progress import Reporter


class Clock:
    """A clock that is set."""

    now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def test_a_log_gets_a_line_every_half_minute_and_one_at_the_end() -> None:
    """With counts by tier, money of all runs, failures, and the time that the slowest tier will take."""
    written, clock = StringIO(), Clock()
    console = Console(file=written, force_terminal=False)
    with Reporter({"edge": 100, "top": 100}, {"edge": 50, "top": 0}, 1000, console, clock) as reporter:
        for number in range(10):
            clock.now_s += 4.0
            reporter.ended(Slot(str(number), "top"), Answer("x", cost_usd_micros=500))
        reporter.ended(Slot("bad", "edge"), Failure("REFUSED"))
    first, last = written.getvalue().splitlines()
    assert first == "collected edge 50 of 100, top 8 of 100; $0.0050; about 6 min left"
    assert last == "collected edge 50 of 100 (1 failed), top 10 of 100; $0.0060; about 6 min left"
