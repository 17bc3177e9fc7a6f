"""Sums, differences and products of whole numbers: more digits at each level."""

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
_RULES = {
    "+": (lambda left, right: left + right, columns.add),
    "-": (lambda left, right: left - right, columns.subtract),
    "*": (lambda left, right: left * right, columns.multiply),
}


def make(rng: Random, level: int) -> Sample:
    """Returns one calculation; results are never negative."""
    operator = rng.choice(tuple(_RANGES[level]))
    left, right = (rng.randint(*bounds) for bounds in _RANGES[level][operator])
    value, working = _RULES[operator]
    prompt = rng.choice(_ASK[operator]).format(left, right)
    return Sample("arithmetic", level, prompt, str(value(left, right)), working(left, right))
