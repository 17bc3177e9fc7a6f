"""How fast an engine reads and writes of late, as measured on its steps.

Moving averages, by how many answers are written together. Pure: is told how long a step took. What a
request may expect follows from it and from what is waiting: see :class:`backends.load.Load`.
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
    """What passes take that read, what those take that write, and how long answers get.

    A pass over n tokens of prompts is taken to last ``pass_s`` + n * ``read_s``: the first is what a pass
    over one token takes, as answers alone show it, the second what is left of the passes that read.
    """

    def __init__(self) -> None:
        self._read_count = Average()
        self._read_pass_s = Average()
        self._token_s: dict[int, Average] = {}
        self._answer_length = Average()

    def read(self, token_count: int, seconds: float) -> None:
        """Note a pass that read ``token_count`` tokens of prompts."""
        self._read_count.add(float(token_count))
        self._read_pass_s.add(seconds)

    def wrote(self, answer_count: int, token_count: int, seconds: float) -> None:
        """Note a step that wrote ``token_count`` tokens, with guesses, of ``answer_count`` answers."""
        self._token_s.setdefault(answer_count, Average()).add(seconds * answer_count / token_count)

    def ended(self, token_count: int) -> None:
        """Note an answer of ``token_count`` tokens that came to its end."""
        self._answer_length.add(float(token_count))

    @property
    def pass_s(self) -> float | None:
        """Seconds of a pass that reads, its tokens apart; None: no such pass is measured."""
        whole_s = self._read_pass_s.value
        return None if whole_s is None else min(whole_s, self.token_s(1) or 0.0)

    @property
    def read_s(self) -> float | None:
        """Seconds that each token adds to a pass that reads; None: not measured."""
        whole_s, count, pass_s = self._read_pass_s.value, self._read_count.value, self.pass_s
        if whole_s is None or count is None or pass_s is None:
            return None
        return (whole_s - pass_s) / count

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
