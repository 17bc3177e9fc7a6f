"""Another reader of grammars, slow and simple: whether a text is in a language, by trying everything.

Knows nothing of the engine; a part is a tuple of its kind and what belongs to it.
"""

from __future__ import annotations

from typing import Any

Part = tuple[Any, ...]
Grammar = dict[str, Part]


def written(grammar: Grammar) -> str:
    """The grammar in GBNF."""
    return "\n".join(f"{name} ::= {_body(part)}" for name, part in grammar.items())


def _body(part: Part) -> str:
    match part:
        case ("text", text):
            return f'"{text}"'
        case ("class", chars):
            return f"[{chars}]"
        case ("rule", name):
            return str(name)
        case ("all", parts):
            return "(" + " ".join(map(_body, parts)) + ")"
        case ("any", parts):
            return "(" + " | ".join(map(_body, parts)) + ")"
        case ("times", inner, low, high):
            return f"({_body(inner)}){{{low},{'' if high is None else high}}}"
    raise AssertionError(part)


def matches(grammar: Grammar, text: str) -> bool:
    """Whether the rule ``root`` takes all of ``text``.

    The ends of every rule from every place are enlarged until nothing more is found, so that recursion of
    any kind comes to an end.
    """
    known: dict[tuple[str, int], frozenset[int]] = {}
    while True:
        found = {
            (name, start): _ends(part, start, text, known)
            for name, part in grammar.items()
            for start in range(len(text) + 1)
        }
        if found == known:
            return len(text) in known["root", 0]
        known = found


def _ends(part: Part, start: int, text: str, known: dict[tuple[str, int], frozenset[int]]) -> frozenset[int]:
    match part:
        case ("text", literal):
            return frozenset({start + len(literal)} if text.startswith(literal, start) else ())
        case ("class", chars):
            return frozenset({start + 1} if text[start : start + 1] and text[start] in chars else ())
        case ("rule", name):
            return known.get((name, start), frozenset())
        case ("any", parts):
            return frozenset().union(*(_ends(each, start, text, known) for each in parts))
        case ("all", parts):
            return _in_turn(list(parts), frozenset({start}), text, known)
        case ("times", inner, low, high):
            ends = _in_turn([inner] * low, frozenset({start}), text, known)
            more = ends
            for _ in range(len(text) + 1 if high is None else high - low):
                more = _in_turn([inner], more, text, known)
                ends |= more
            return ends
    raise AssertionError(part)


def _in_turn(
    parts: list[Part], starts: frozenset[int], text: str, known: dict[tuple[str, int], frozenset[int]]
) -> frozenset[int]:
    for part in parts:
        starts = frozenset().union(*(_ends(part, start, text, known) for start in starts))
    return starts
