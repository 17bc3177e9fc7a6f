"""How fast an engine reads and writes of late, as measured on its steps.

Moving averages, by how many answers are written together. Pure: is told how long a step took. What a
request may expect follows from it and from what is waiting: see :class:`backends.types.Load`.
"""

from __future__ import annotations

from dataclasses import dataclass

# Of a new measurement; the first ones count alike.
_LEAST_SHARE = 0.05


@dataclass(slots=True)
class Average:
    """A mean in which the last twenty or so values count; ``value`` None: there was none."""

    value: float | None = None
    count: int = 0

    def add(self, value: float) -> None:
        """Take in ``value``."""
        self.count += 1
        old = value if self.value is None else self.value
        self.value = old + max(1.0 / self.count, _LEAST_SHARE) * (value - old)


class Tempo:
    """Seconds a token read, seconds from token to token by the number of answers, and tokens an answer."""

    def __init__(self) -> None:
        self._read_s = Average()
        self._chunk_length = Average()
        self._token_s: dict[int, Average] = {}
        self._answer_length = Average()

    def read(self, token_count: int, seconds: float) -> None:
        """Note a step that read ``token_count`` tokens of prompts."""
        self._read_s.add(seconds / token_count)
        self._chunk_length.add(float(token_count))

    def wrote(self, answer_count: int, token_count: int, seconds: float) -> None:
        """Note a step that wrote ``token_count`` tokens, with guesses, of ``answer_count`` answers."""
        self._token_s.setdefault(answer_count, Average()).add(seconds * answer_count / token_count)

    def ended(self, token_count: int) -> None:
        """Note an answer of ``token_count`` tokens that came to its end."""
        self._answer_length.add(float(token_count))

    def read_s(self, answer_count: int) -> float | None:
        """Seconds to read a token of a prompt beside ``answer_count`` answers; None: not measured.

        After each part of a prompt they write a token.
        """
        if self._read_s.value is None or not answer_count:
            return self._read_s.value
        return self._read_s.value + (self.token_s(answer_count) or 0.0) / (self._chunk_length.value or 1.0)

    def token_s(self, answer_count: int) -> float | None:
        """Seconds from token to token where ``answer_count`` are written together; None: not measured.

        Of a number that was not seen, as of the nearest one: rather slower than it is.
        """
        if not self._token_s:
            return None
        near = min(self._token_s, key=lambda known: (abs(known - answer_count), -known))
        return self._token_s[near].value

    def answer_s(self, answer_count: int) -> float | None:
        """Seconds to write an answer of usual length beside others; None: not measured."""
        token_s, length = self.token_s(answer_count), self._answer_length.value
        return None if token_s is None or length is None else token_s * length
