"""Everything that one run measured, and the marks that it is held against; decides what counts as met."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.bench.edge.pairs import Pairs
from tests.bench.edge.rounds import Round, Rounds

OURS = "upshift"
LLAMA_SERVER = "llama-server"
STOCK = "llama_cpp.server"
# Two equal servers differ by this much from run to run.
_NOISE = 0.03


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. ``rounds`` by the number of streams and then by server; None: not measured.

    ``read_byte_count``: bytes that writing one token reads, KV cache included. ``bandwidth``: bytes a
    second that memory gives. ``statistics_s``: time that one token's log-probability takes.
    """

    rounds: dict[int, Rounds]
    missing: dict[str, str]
    read_byte_count: int
    bandwidth: float
    statistics_s: float
    prefix: Pairs | None = None
    schema: Pairs | None = None
    speculation: dict[str, Pairs] = field(default_factory=dict)

    def ratio(self, stream_count: int, other: str, value: Callable[[Round], float]) -> float | None:
        """Median over the rounds of our ``value`` by that of ``other``; None where one of them is missing."""
        measured = self.rounds.get(stream_count, {})
        if OURS not in measured or other not in measured:
            return None
        pairs = zip(measured[OURS], measured[other], strict=True)
        return statistics.median(value(our) / value(their) for our, their in pairs)

    def inter_token_s(self, stream_count: int) -> float | None:
        """Median time between tokens of our streams."""
        measured = self.rounds.get(stream_count, {}).get(OURS)
        return None if not measured else statistics.median(one.inter_token_s for one in measured)

    @property
    def bandwidth_share(self) -> float | None:
        """Share of the memory's bandwidth that writing one answer uses, from 0 to 1."""
        step_s = self.inter_token_s(1)
        return None if step_s is None else self.read_byte_count / step_s / self.bandwidth

    @property
    def statistics_share(self) -> float | None:
        """Largest share of a step that log-probabilities take, over the numbers of streams."""
        steps = {count: self.inter_token_s(count) for count in self.rounds}
        shares = [count * self.statistics_s / step_s for count, step_s in steps.items() if step_s]
        return max(shares, default=None)


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure and what it is to be: at least, or at most, ``bound``. ``figure`` None: not measured."""

    name: str
    figure: float | None
    bound: float
    at_least: bool = True

    @property
    def verdict(self) -> str:
        """``met``, ``missed`` or ``not measured``."""
        if self.figure is None:
            return "not measured"
        met = self.figure >= self.bound if self.at_least else self.figure <= self.bound
        return "met" if met else "missed"


def marks(figures: Figures) -> Iterator[Mark]:
    """Hold ``figures`` against what the edge tier is to reach."""

    def speed(one: Round) -> float:
        return one.tokens_per_s

    for count in figures.rounds:
        yield Mark(f"speed by llama-server's, N={count}", figures.ratio(count, LLAMA_SERVER, speed), 1.0)
    yield Mark("speed by tuned llama_cpp.server's, N=8", figures.ratio(8, STOCK, speed), 2.5)
    first = figures.ratio(8, LLAMA_SERVER, lambda one: one.first_token_s)
    yield Mark("time to first token by llama-server's, N=8", first, 0.6, at_least=False)
    yield Mark("log-probabilities, share of a step", figures.statistics_share, 0.05, at_least=False)
    yield Mark("memory bandwidth used, N=1", figures.bandwidth_share, 0.85)
    prefix = None if figures.prefix is None else figures.prefix.ratio
    yield Mark("prefix hit, time to first token by cold", prefix, 0.2, at_least=False)
    schema = None if figures.schema is None else figures.schema.ratio - 1.0
    yield Mark("JSON Schema, slower by", schema, 0.1, at_least=False)
    for kind, pairs in figures.speculation.items():
        bound = 1.3 if kind == "copied" else 1.0 - _NOISE
        yield Mark(f"speculation, {kind} text, faster by", 1.0 / pairs.ratio, bound)
