"""A small table of prices or stock: one value, the sum of two rows, the sum of three."""

from random import Random

from examples.pocket.tasks import columns
from examples.pocket.tasks.sample import Sample
from examples.pocket.tasks.words import ITEMS

_TITLES = ("Stock", "Prices", "Orders", "Sold")
_ROWS = {1: 3, 2: 4, 3: 5}


def _question(rng: Random, names: list[str]) -> str:
    if len(names) == 1:
        return rng.choice(("How many {}?", "Value of {}?", "Give the number for {}.")).format(names[0])
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return rng.choice(("Total of {}?", "Sum for {}?", "Add up {}.")).format(listed)


def _drill(rng: Random) -> Sample:
    table = {name: rng.randint(10, 99) for name in rng.sample(ITEMS, 6)}
    asked = rng.sample(tuple(table), 5)
    rows = " | ".join(f"{name} {number}" for name, number in table.items())
    prompt = f"{rng.choice(_TITLES)}: {rows}. Numbers for {', '.join(asked)}?"
    answer = ",".join(str(table[name]) for name in asked)
    return Sample("lookup", 4, prompt, answer, ",".join(f" {name}{table[name]}" for name in asked))


def make(rng: Random, level: int) -> Sample:
    """Returns a table on one line and a question about as many of its rows as the level says.

    Level 4 is a drill: it asks for five values and no sum.
    """
    if level == 4:
        return _drill(rng)
    table = {name: rng.randint(10, 99) for name in rng.sample(ITEMS, _ROWS[level])}
    asked = rng.sample(tuple(table), level)
    numbers = tuple(table[name] for name in asked)
    rows = " | ".join(f"{name} {number}" for name, number in table.items())
    found = ",".join(f" {name}{table[name]}" for name in asked)
    reasoning = f"{found};{columns.add_all(numbers)}" if level > 1 else found
    prompt = f"{rng.choice(_TITLES)}: {rows}. {_question(rng, asked)}"
    return Sample("lookup", level, prompt, str(sum(numbers)), reasoning)
