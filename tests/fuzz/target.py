"""A parser to be fuzzed, and what it may do with bytes that nobody vouches for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Target:
    """``run`` takes any bytes; it may raise what is in ``refusals``, and anything else is a bug.

    ``words`` are pieces of the format with ~ between them, which mutations put in.
    """

    name: str
    run: Callable[[bytes], object]
    refusals: tuple[type[BaseException], ...] = ()
    words: bytes = b""

    def check(self, data: bytes) -> bool:
        """Run once; say whether the input is taken. Raises where the parser breaks a promise."""
        try:
            self.run(data)
        except self.refusals:
            return False
        return True

    def seeds(self) -> list[bytes]:
        """Its corpus, in order; an empty input is always part of it."""
        return [b"", *(path.read_bytes() for path in sorted((CORPUS / self.name).glob("*")))]


def in_file(run: Callable[[Path], object], suffix: str = "") -> Callable[[bytes], object]:
    """A parser of files as one of bytes."""

    def parse(data: bytes) -> object:
        with NamedTemporaryFile(suffix=suffix) as file:
            file.write(data)
            file.flush()
            return run(Path(file.name))

    return parse


def cut(data: bytes) -> tuple[bytes, list[bytes]]:
    """The first byte says into how large pieces the rest is cut; return the rest, whole and in pieces."""
    if not data:
        return b"", []
    size, rest = data[0] + 1, data[1:]
    return rest, [rest[start : start + size] for start in range(0, len(rest), size)]
