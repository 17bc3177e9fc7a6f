"""Who is above whom: one fact to read, two to join, three or four to follow."""

from itertools import pairwise
from random import Random

from examples.pocket.tasks.sample import Sample
from examples.pocket.tasks.words import NAMES

_FACTS = ("{low} reports to {high}.", "{low} works for {high}.")
_ASK = ("Who is {hops} above {name}?", "Go {hops} up from {name}.", "Who stands {hops} over {name}?")


def make(rng: Random, level: int) -> Sample:
    """Returns a shuffled chain of command (level 3 adds a second one) and a question along it.

    Level 4 is a drill: seven steps up one chain.
    """
    hops = {1: 1, 2: 2, 3: rng.randint(3, 4), 4: 7}[level]
    people = rng.sample(NAMES, hops + 4)
    chain, others = people[: hops + 2], people[hops + 2 :]
    pairs = list(pairwise(chain))
    pairs += list(pairwise(others)) if level == 3 else []
    rng.shuffle(pairs)
    fact = rng.choice(_FACTS)
    start = rng.randint(0, 1)
    path = chain[start : start + hops + 1]
    facts = " ".join(fact.format(low=low, high=high) for low, high in pairs)
    question = rng.choice(_ASK).format(hops=hops, name=path[0])
    reasoning = "".join(f" {name}" for name in path)
    return Sample("relations", level, f"{facts} {question}", path[-1], reasoning)
