"""Sums, differences and products of whole numbers: more digits at each level."""

import operator
from collections.abc import Callable
from random import Random

from examples.pocket.tasks import columns
from examples.pocket.tasks.sample import Sample

_ASK = {
    "+": ("What is {} + {}?", "Add {} and {}.", "{} plus {}?", "Compute {} + {}."),
    "-": ("What is {} - {}?", "{} minus {}?", "Compute {} - {}.", "{} less {}?"),
    "*": ("What is {} times {}?", "{} times {}?", "Compute {} * {}.", "Multiply {} by {}."),
}
_RANGES = {
    1: {"+": ((10, 99), (2, 9)), "-": ((20, 99), (2, 9))},
    2: {"+": ((11, 99), (11, 99)), "-": ((40, 99), (11, 39)), "*": ((11, 49), (2, 9))},
    3: {"+": ((100, 9999), (100, 9999)), "-": ((1000, 9999), (100, 999)), "*": ((50, 999), (3, 9))},
}
_RULES: dict[str, tuple[Callable[[int, int], int], Callable[[int, int], str]]] = {
    "+": (operator.add, columns.add),
    "-": (operator.sub, columns.subtract),
    "*": (operator.mul, columns.multiply),
}


def make(rng: Random, level: int) -> Sample:
    """Returns one calculation; results are never negative."""
    sign = rng.choice(tuple(_RANGES[level]))
    left, right = (rng.randint(*bounds) for bounds in _RANGES[level][sign])
    value, working = _RULES[sign]
    prompt = rng.choice(_ASK[sign]).format(left, right)
    return Sample("arithmetic", level, prompt, str(value(left, right)), working(left, right))
