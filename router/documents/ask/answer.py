"""An answer from a document, with quotes as evidence, by the router's tiers.

What fits is shown whole. What does not is read piece by piece first: each piece gives the quotes that bear
on the question, and their sum is read again, until it fits. Nothing is cut silently.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from router.documents.ask.grounding import Span, located
from router.documents.ask.passages import passages_of, ranked, within
from router.documents.asker import Asker, Question, answered
from router.documents.outcome import Document, Verdict
from router.events import Result
from router.request import Constraints

_ANSWER = (
    "Answer the question from the text alone. Answer with JSON: `answer`, short, and `quotes`, the passages "
    "that it rests on, exactly as they stand in the text. Where the text does not say it, `answer` is null."
)
_GATHER = (
    "Copy from the text the passages that bear on the question, exactly as they stand. Answer with JSON: "
    "`quotes`, a list, empty where nothing does."
)
_QUOTES = {"type": "array", "items": {"type": "string"}}
# What is shown at once: some 3,000 tokens, which small models still read with care.
_PIECE_CHARACTERS = 12_000
_MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; None: the document does not say, as far as the tiers can tell.

    ``spans`` are the quotes that stand in the document, ``invented`` those that do not. The answer
    rests on ``read_count`` of ``passage_count`` passages, gathered in ``round_count`` rounds.
    ``unread_count`` pieces were shown to a tier that gave no list of quotes: what they say is not in it.
    """

    question: str
    text: str | None
    spans: tuple[Span, ...]
    invented: tuple[str, ...]
    confidence: float | None
    tier: str
    cost_usd_micros: float
    read_count: int
    passage_count: int
    round_count: int
    unread_count: int = 0

    @property
    def verdict(self) -> Verdict:
        """Verified: every quote stands in the document, there is one, and all of it was read."""
        is_whole = self.read_count == self.passage_count and not self.unread_count
        is_grounded = bool(self.spans) and not self.invented
        return Verdict.VERIFIED if is_grounded and is_whole else Verdict.UNVERIFIED


async def ask(
    document: Document,
    question: str,
    asker: Asker,
    constraints: Constraints | None = None,
    timeout_s: float | None = None,
) -> Answer:
    """Answer ``question``. Raises RoutingError."""
    return await _Asking(document, question, asker, constraints or Constraints(), timeout_s).answer()


class _Asking:
    def __init__(
        self, document: Document, question: str, asker: Asker, limits: Constraints, timeout_s: float | None
    ) -> None:
        self._passages = passages_of(document)
        self._question = question
        self._asker = asker
        self._limits = limits
        self._timeout_s = timeout_s
        self._cost = 0.0
        self._unread_count = 0

    async def answer(self) -> Answer:
        """Gather until it fits, then answer."""
        texts = [passage.text for passage in self._passages]
        rounds = 1
        while sum(map(len, texts)) > _PIECE_CHARACTERS and rounds < _MOST_ROUNDS:
            texts = await self._gathered(texts)
            rounds += 1
        read_count = len(self._passages)
        if sum(map(len, texts)) > _PIECE_CHARACTERS:
            # The quotes themselves are too many: the most relevant passages stand for them, and are counted.
            kept = within(ranked(self._passages, self._question), _PIECE_CHARACTERS)
            texts = [passage.text for passage in kept]
            read_count = len(kept)
        result = await self._asked(
            _ANSWER, "\n\n".join(texts), {"answer": {"type": ["string", "null"]}, "quotes": _QUOTES}
        )
        return self._grounded(result, read_count, rounds)

    async def _gathered(self, texts: Sequence[str]) -> list[str]:
        """The quotes of every piece, those that stand in the document."""
        quotes: list[str] = []
        for piece in _pieces(texts):
            result = await self._asked(_GATHER, piece, {"quotes": _QUOTES})
            found = _object(result.text).get("quotes")
            # A tier that gives nothing usable has not read the piece: this must not pass for "nothing there".
            self._unread_count += not isinstance(found, list)
            for quote in _strings(found):
                span = located(quote, self._passages)
                if span is not None and span.quote not in quotes:
                    quotes.append(span.quote)
        return quotes

    async def _asked(self, instructions: str, text: str, properties: dict[str, object]) -> Result:
        schema: dict[str, object] = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
        }
        asked = Question(instructions, f"Question: {self._question}\n\nText:\n{text}", schema=schema)
        result = await answered(self._asker, asked, self._limits, self._timeout_s)
        self._cost += result.cost_usd_micros
        return result

    def _grounded(self, result: Result, read_count: int, rounds: int) -> Answer:
        said = _object(result.text)
        quotes = _strings(said.get("quotes"))
        places = {quote: located(quote, self._passages) for quote in quotes}
        text = said.get("answer")
        return Answer(
            question=self._question,
            text=text if isinstance(text, str) else None,
            spans=tuple(span for span in places.values() if span is not None),
            invented=tuple(quote for quote, span in places.items() if span is None),
            confidence=result.confidence,
            tier=result.tier,
            cost_usd_micros=self._cost,
            read_count=read_count,
            passage_count=len(self._passages),
            round_count=rounds,
            unread_count=self._unread_count,
        )


def _pieces(texts: Sequence[str]) -> list[str]:
    """The texts in pieces of at most the largest size; a text that is larger is parted."""
    pieces, now = [], ""
    for text in texts:
        for start in range(0, max(len(text), 1), _PIECE_CHARACTERS):
            part = text[start : start + _PIECE_CHARACTERS]
            if now and len(now) + len(part) > _PIECE_CHARACTERS:
                pieces.append(now)
                now = ""
            now = f"{now}\n\n{part}" if now else part
    return [*pieces, now] if now else pieces


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
