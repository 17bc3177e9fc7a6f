"""Numbers to put in order: three, five, or six longer ones, upwards or downwards."""

from random import Random

from examples.pocket.tasks.sample import Sample

_SIZES = {1: (3, 10, 99), 2: (5, 10, 99), 3: (6, 100, 999)}
_ASK = {
    False: ("Sort: {}", "Sort upwards: {}", "Smallest first: {}"),
    True: ("Sort downwards: {}", "Largest first: {}"),
}


def make(rng: Random, level: int) -> Sample:
    """Returns distinct numbers to sort; the working first puts their first digits in order."""
    count, low, high = _SIZES[level]
    numbers = rng.sample(range(low, high + 1), count)
    downwards = level > 1 and rng.random() < 0.5
    ordered = sorted(numbers, reverse=downwards)
    prompt = rng.choice(_ASK[downwards]).format(" ".join(str(number) for number in numbers))
    reasoning = "".join(str(number)[0] for number in ordered)
    return Sample("sort", level, prompt, ",".join(str(number) for number in ordered), reasoning)
