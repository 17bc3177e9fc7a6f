"""Forms that are made to break or to stall the engine end in Refused, or cost no more than others."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from backends.errors import Refused
from backends.types import GrammarFormat, JsonSchemaFormat, RegexFormat, ResponseFormat
from tests.backends.llamacpp.engine.constraint.spelling import Speller

# Far above what was measured, far below what a hang takes: processor time, which neighbours do not change.
_MOST_CPU_S = 20.0
_MOST_BYTE_COUNT = 2**30


def _nested(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = {"type": "array", "items": inner}
    return inner


def _chain(length: int) -> dict[str, Any]:
    """Definitions of which each refers to the next."""
    links = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**links, f"d{length}": {"type": "integer"}}}


def _doubling(length: int) -> str:
    """Rules of which each stands for two of the next: 2 ** ``length`` characters written out."""
    rules = [f"r{i} ::= r{i + 1} r{i + 1}" for i in range(length)]
    return "\n".join(["root ::= r0", *rules, f'r{length} ::= "a"'])


def _greedy(length: int) -> str:
    """Recursive rules, each of which may go on with what the next begins with; cut 60 times each."""
    rules = [f'r{i} ::= "a{i}" (r{i + 1} | r0) ([^b]* "{"q" * 60}")*' for i in range(length)]
    return "\n".join(["root ::= r0", *rules, f'r{length} ::= "z"'])


HOSTILE: dict[str, ResponseFormat] = {
    "rules that run into each other": GrammarFormat(_greedy(40)),
    "deep array": JsonSchemaFormat(_nested(200, {"type": "integer"})),
    "deeper array": JsonSchemaFormat(_nested(3000, {})),
    "chain of references": JsonSchemaFormat(_chain(1000)),
    "circle of references": JsonSchemaFormat({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
    "object that needs itself": JsonSchemaFormat(
        {
            "type": "object",
            "properties": {"n": {"$ref": "#"}},
            "required": ["n"],
            "additionalProperties": False,
        }
    ),
    "huge choice": JsonSchemaFormat({"enum": [f"value {i}" for i in range(4000)]}),
    "exponential choice": JsonSchemaFormat(
        {"allOf": [{"anyOf": [{"minimum": i}, {"maximum": j}]} for i in range(6) for j in range(6)]}
    ),
    "many remainders": JsonSchemaFormat({"allOf": [{"multipleOf": 9973}, {"multipleOf": 9967}]}),
    "astronomical lengths": JsonSchemaFormat({"type": "string", "minLength": 10**12, "maxLength": 10**15}),
    "astronomical bounds": JsonSchemaFormat({"type": "number", "minimum": 1e-300, "maximum": 1e300}),
    "foreign reference": JsonSchemaFormat({"$ref": "https://example.com/schema.json"}),
    "missing reference": JsonSchemaFormat({"$ref": "#/$defs/none"}),
    "strange types": JsonSchemaFormat({"type": 12, "properties": [], "required": "a"}),
    "hostile options": JsonSchemaFormat({"x-guidance": {"lenient": False}, "type": "integer"}),
    "exponential pattern": RegexFormat("(a*)*(a|aa)+(a|a?)+b"),
    "counted pattern": RegexFormat("((a{1,100}){1,100}){1,100}"),
    "counted classes": RegexFormat("(\\w{1,50}\\s?){1,200}"),
    "many ways": RegexFormat("(x+x+)+y|(.*a){12}"),
    "deep pattern": RegexFormat("(" * 500 + "a" + ")" * 500),
    "deep counted pattern": RegexFormat("(?:" * 30 + "a" + "{1,9})" * 30),
    "alternatives": RegexFormat("|".join(f"word{i}" for i in range(5000))),
    "long pattern": RegexFormat("a" * 70_000),
    "doubling rules": GrammarFormat(_doubling(60)),
    "deep brackets": GrammarFormat("root ::= " + "(" * 2000 + '"a"' + ")" * 2000),
    "many rules": GrammarFormat(
        "\n".join(["root ::= r0", *(f"r{i} ::= r{i + 1}" for i in range(900)), 'r900 ::= "a"'])
    ),
    "hidden left recursion": GrammarFormat('root ::= empty root "a" | "b"\nempty ::= ""'),
    "ambiguous": GrammarFormat('root ::= root root | "a" | ""'),
    "endless empty": GrammarFormat('root ::= (""* "")* "a"'),
    "astronomical repeat": GrammarFormat('root ::= "a"{1000000000}'),
    "nested repeats": GrammarFormat('root ::= ((("a"{1,99}){1,99}){1,99}){1,99} root | "b"'),
    "all characters": GrammarFormat("root ::= [^a]{0,100000}"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_costs_a_bounded_time_and_memory(spell: Speller, name: str) -> None:
    """Refused with a reason, or followed for some tokens like any other form."""
    started_s, before = time.process_time(), _peak_byte_count()
    refusal = _refusal(spell, HOSTILE[name])
    assert refusal is None or 20 < len(refusal) < 500
    assert time.process_time() - started_s < _MOST_CPU_S
    assert _peak_byte_count() - before < _MOST_BYTE_COUNT


def _refusal(spell: Speller, form: ResponseFormat) -> str | None:
    """Why ``form`` cannot be followed for 30 tokens; None: it can."""
    try:
        spell.wander(form, seed=0, limit=30)
    except Refused as refused:
        return str(refused)
    return None


def _peak_byte_count() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 5, "maxLength": 3},
        {"enum": []},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "array", "items": {"type": "null"}, "minItems": 3, "maxItems": 2},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
    ],
)
def test_what_nothing_can_meet_is_refused(spell: Speller, schema: dict[str, Any]) -> None:
    """Before the first token."""
    with pytest.raises(Refused, match="JSON Schema cannot be enforced"):
        spell.start(JsonSchemaFormat(schema))


def test_an_empty_answer_is_an_answer(spell: Speller) -> None:
    """Where the form allows nothing else, the end comes at once."""
    assert spell.wander(RegexFormat(""), seed=0) == ""
    assert spell.wander(GrammarFormat('root ::= ""'), seed=0) == ""
