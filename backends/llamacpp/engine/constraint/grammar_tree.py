"""What grammars and their rules consist of. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

LAST_CODE = 0x10FFFF
# Half characters of UTF-16, which no text has.
_SURROGATES = (0xD800, 0xDFFF)

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chars:
    """One character out of ``ranges`` of code points, ends included, in order and apart."""

    ranges: Ranges


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """What the rule of that name says."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """All ``parts``, one behind the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of ``options``."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """``part`` at least and at most so many times; None: without end."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part without recursion that is to be read greedily, as a whole."""

    node: Node


Node = Chars | Name | Joined | Choice | Repeat | Piece


def parts_of(node: Node) -> tuple[Node, ...]:
    """The nodes right below ``node``."""
    match node:
        case Joined(parts):
            return parts
        case Choice(options):
            return options
        case Repeat(part) | Piece(part):
            return (part,)
    return ()


def without(ranges: Ranges) -> Ranges:
    """All characters but those of ``ranges``, which may overlap."""
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted((*ranges, _SURROGATES)):
        if low > start:
            gaps.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST_CODE:
        gaps.append((start, LAST_CODE))
    return tuple(gaps)
