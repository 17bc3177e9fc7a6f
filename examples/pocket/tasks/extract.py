"""One field out of a messy line: few fields, many fields, and two people's fields with a correction."""

from collections.abc import Callable
from random import Random

from examples.pocket.tasks.sample import Sample
from examples.pocket.tasks.words import CITIES, NAMES

_ASK = ("{line} What is the {field}?", "Find the {field}: {line}", "{line} Give the {field}.")


def _code(rng: Random) -> str:
    return f"{rng.choice('BDFKMPRT')}{rng.randint(100, 999)}"


_FIELDS: dict[str, Callable[[Random], str]] = {
    "name": lambda rng: rng.choice(NAMES),
    "city": lambda rng: rng.choice(CITIES),
    "age": lambda rng: str(rng.randint(18, 79)),
    "ref": _code,
    "phone": lambda rng: str(rng.randint(2000, 9999)),
    "room": lambda rng: str(rng.randint(100, 799)),
}


def _line(rng: Random, field_count: int) -> tuple[str, str, str]:
    fields = {name: _FIELDS[name](rng) for name in rng.sample(tuple(_FIELDS), field_count)}
    joint, mark = rng.choice(((" ", "; "), (": ", ", "), (": ", "; "), ("=", " / "), (" ", " - ")))
    asked = rng.choice(tuple(fields))
    line = mark.join(f"{name}{joint}{value}" for name, value in fields.items())
    return f"Record {line}.", asked, fields[asked]


def _corrected(rng: Random) -> tuple[str, str, str, str]:
    """Two people with two fields each; then one of the values is corrected, often the one asked for."""
    people = rng.sample(NAMES, 2)
    names = rng.sample(("ref", "phone", "room"), 2)
    values = {(person, name): _FIELDS[name](rng) for person in people for name in names}
    parts = [" ".join((person, *(f"{name} {values[person, name]}" for name in names))) for person in people]
    person, name = asked = rng.choice(tuple(values))
    changed = asked if rng.random() < 0.5 else rng.choice(tuple(values))
    new = _FIELDS[changed[1]](rng)
    line = f"{parts[0]}; {parts[1]}. Wrong: {changed[0]} {changed[1]} is {new}."
    first = f"{person} {name} {values[asked]}"
    reasoning = f"{first}, wrong: {changed[0]} {changed[1]}, {'yes' if changed == asked else 'no'}"
    return line, f"{name} of {person}", new if changed == asked else values[asked], reasoning


def make(rng: Random, level: int) -> Sample:
    """Returns one line and the question for one of its values."""
    if level == 3:
        line, asked, value, reasoning = _corrected(rng)
    else:
        line, asked, value = _line(rng, 3 * level - (level == 2))
        reasoning = f"{asked} {value}"
    return Sample("extract", level, rng.choice(_ASK).format(line=line, field=asked), value, reasoning)
