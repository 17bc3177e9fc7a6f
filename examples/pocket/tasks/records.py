"""Fields to a JSON object: as they come, chosen and reordered, and with a total to work out."""

import json
from random import Random
from typing import Any

from examples.pocket.tasks import columns
from examples.pocket.tasks.sample import Sample
from examples.pocket.tasks.words import CITIES, ITEMS, NAMES

Fields = dict[str, str | int]


def _person(rng: Random) -> Fields:
    fields: Fields = {
        "name": rng.choice(NAMES),
        "city": rng.choice(CITIES),
        "age": rng.randint(18, 79),
        "room": rng.randint(100, 799),
    }
    return {key: fields[key] for key in rng.sample(tuple(fields), len(fields))}


def _told(fields: Fields) -> str:
    return ", ".join(f"{key} {value}" for key, value in fields.items())


def _as_given(rng: Random) -> tuple[str, Fields, str]:
    fields = dict(list(_person(rng).items())[:2])
    return f"{rng.choice(('To JSON', 'As JSON', 'JSON for'))}: {_told(fields)}", fields, " ".join(fields)


def _reordered(rng: Random) -> tuple[str, Fields, str]:
    person = _person(rng)
    wanted = {key: person[key] for key in rng.sample(tuple(person), 3)}
    return f"JSON with {', '.join(wanted)}: {_told(person)}", wanted, " ".join(wanted)


def _with_total(rng: Random) -> tuple[str, Fields, str]:
    name, item, count, price = rng.choice(NAMES), rng.choice(ITEMS), rng.randint(2, 9), rng.randint(11, 99)
    fields: Fields = {"name": name, "item": item, "count": count, "total": count * price}
    text = rng.choice(
        (f"{name} buys {count} {item} at {price} each", f"{count} {item} for {name}, {price} each")
    )
    return f"JSON with name, item, count, total: {text}", fields, columns.multiply(price, count)


_FORMS = {1: _as_given, 2: _reordered, 3: _with_total}


def make(rng: Random, level: int) -> Sample:
    """Returns fields in prose and the compact JSON object that holds them."""
    prompt, fields, reasoning = _FORMS[level](rng)
    return Sample("json", level, prompt, json.dumps(fields, separators=(",", ":")), reasoning)


def json_schema(sample: Sample) -> dict[str, Any] | None:
    """Returns the JSON Schema that a right answer meets, or None where the answer is not JSON.

    It states keys and types, which the request itself tells; it does not give the values away.
    """
    if sample.kind != "json":
        return None
    types = {str: "string", int: "integer"}
    fields = json.loads(sample.answer)
    return {
        "type": "object",
        "properties": {key: {"type": types[type(value)]} for key, value in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }
