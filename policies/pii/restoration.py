"""Puts values back into a text that comes in pieces, wherever the borders of the pieces lie.

Only what may be the beginning of a stand-in is held back, and only until the next piece decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from backends.types import TokenLogprob
from policies.pii.stand_ins import StandIns


class Opening:
    """Tells how much of the end of a text may be the beginning of a stand-in."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._openings = {name[:end] for name in stand_ins.values for end in range(1, len(name))}

    def length(self, text: str) -> int:
        """Characters at the end of ``text`` to hold back; a stand-in has one ``<``, at its beginning."""
        start = text.rfind("<")
        return len(text) - start if start >= 0 and text[start:] in self._openings else 0


class RestoredText:
    """A text with values in place of stand-ins; ``escape`` makes a value fit to stand there."""

    def __init__(self, stand_ins: StandIns, opening: Opening, escape: Callable[[str], str] = str) -> None:
        self._stand_ins = stand_ins
        self._opening = opening
        self._escape = escape
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what has become certain."""
        text = self._held + text
        end = len(text) - self._opening.length(text)
        self._held = text[end:]
        return self._stand_ins.restored(text[:end], self._escape)

    def finish(self) -> str:
        """Return what was held back: the text has ended, so it begins no stand-in."""
        held, self._held = self._held, ""
        return held


class RestoredTokens:
    """Tokens whose texts, joined, have values in place of stand-ins.

    The first token of a stand-in gets the whole value and the others lose their part, so each keeps its
    log-probability and the texts joined are still the text.
    """

    def __init__(self, stand_ins: StandIns, opening: Opening, escape: Callable[[str], str] = str) -> None:
        self._stand_ins = stand_ins
        self._opening = opening
        self._escape = escape
        self._held: list[TokenLogprob] = []

    def feed(self, tokens: Sequence[TokenLogprob]) -> tuple[TokenLogprob, ...]:
        """Return the tokens that have become certain."""
        if not self._held and not any("<" in token.text for token in tokens):
            return tuple(tokens)
        self._held += tokens
        count = self._certain_count()
        certain, self._held = self._held[:count], self._held[count:]
        return self._restored(certain)

    def finish(self) -> tuple[TokenLogprob, ...]:
        """Return the tokens that were held back."""
        held, self._held = self._held, []
        return self._restored(held)

    def _certain_count(self) -> int:
        """Tokens before the one in which the open end begins; none that shares a stand-in with it."""
        whole = "".join(token.text for token in self._held)
        spans = self._stand_ins.spans(whole)
        limit, end = len(whole) - self._opening.length(whole), len(whole)
        count = len(self._held)
        while end > limit:
            count -= 1
            end -= len(self._held[count].text)
            while spans and spans[-1][1] > end:
                limit = min(limit, spans.pop()[0])
        return count

    def _restored(self, tokens: Sequence[TokenLogprob]) -> tuple[TokenLogprob, ...]:
        whole = "".join(token.text for token in tokens)
        spans = self._stand_ins.spans(whole)
        if not spans:
            return tuple(tokens)
        texts, start = [], 0
        for token in tokens:
            end = start + len(token.text)
            texts.append(self._part(whole, start, end, spans))
            start = end
        return tuple(map(_renamed, tokens, texts))

    def _part(self, whole: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> str:
        """What becomes of ``whole[start:end]``: a value stands where its stand-in begins."""
        pieces, place = [], start
        for first, last in spans:
            if last <= start or first >= end:
                continue
            pieces.append(whole[place : max(first, place)])
            if first >= start:
                pieces.append(self._stand_ins.restored(whole[first:last], self._escape))
            place = min(last, end)
        return "".join([*pieces, whole[place:end]])


def _renamed(token: TokenLogprob, text: str) -> TokenLogprob:
    """The token under its new text, also where it is among the most probable ones."""
    if text == token.text:
        return token
    top = tuple((text if name == token.text else name, logprob) for name, logprob in token.top)
    return replace(token, text=text, top=top)
