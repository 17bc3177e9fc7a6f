"""A model tier of the router as an engine: it is shown the element's picture, or given its words."""

from __future__ import annotations

import asyncio
import re

from backends.types import Image
from router.documents.asker import Asker, Question, answered
from router.documents.element import Element, Label, Reading
from router.documents.engines.base import Subject
from router.documents.engines.lines import rows_of, text_of
from router.documents.errors import DocumentError, EngineFailed
from router.documents.parse.library import library
from router.documents.parse.markdown import parts_of
from router.documents.table import Grid
from router.documents.workers import WorkerDied, Workers
from router.errors import RoutingError
from router.request import Constraints
from router.tiers import TierStatus

_MILLION = 1_000_000
_IMAGE_TOKENS, _INSTRUCTION_TOKENS, _CHARACTERS_PER_TOKEN = 1600, 120, 3
_TIMEOUT_S = 60.0
_USUAL_LATENCY_S = 2.0
# Elements of documents that a tier reads at once: its queue is for requests that somebody waits for.
_CONCURRENCY = 4
_FENCE = re.compile(r"\A\s*```[\w-]*\n(.*?)\n?```\s*\Z", re.DOTALL)

_TABLE = (
    "Transcribe the table as one Markdown table. Repeat the text of a cell that spans in each of its slots. "
    "Write every value exactly as it stands. Give the table alone."
)
_TEXT = "Transcribe all text exactly as it stands, line by line, in reading order. Give the text alone."
_FORMULA = "Write the formula in LaTeX, without dollar signs. Give the formula alone."
_CODE = "Transcribe the code exactly, with its indentation. Give the code alone."
_PICTURE = "Say in one or two sentences what the picture shows, with the text and the values in it."
_INSTRUCTIONS = {
    Label.TABLE: _TABLE,
    Label.FORMULA: _FORMULA,
    Label.CODE: _CODE,
    Label.PICTURE: _PICTURE,
    Label.CHART: _PICTURE,
}


class TierEngine:
    """Asks one tier; see :class:`router.documents.engines.base.Engine`.

    ``policy`` names the router's policy to ask under; None: the first that matches.
    """

    def __init__(self, status: TierStatus, asker: Asker, readers: Workers, policy: str | None = None) -> None:
        self._status = status
        self._asker = asker
        self._readers = readers
        self._policy = policy
        self._places = asyncio.Semaphore(_CONCURRENCY)

    @property
    def name(self) -> str:
        """The tier's name."""
        return self._status.name

    def missing(self) -> str | None:
        """Nothing; a tier that is down fails when it is asked."""
        return None

    def reads(self, subject: Subject) -> bool:
        """Whether it can be shown the element, or given words of it."""
        if self._status.images:
            return subject.element.provenance.box is not None and subject.page.width is not None
        return bool(subject.element.words or (subject.element.native and subject.element.native.text))

    def seconds(self, subject: Subject) -> float:
        """A guess; the router itself keeps the tier's pace."""
        del subject
        return _USUAL_LATENCY_S

    def cost_usd_micros(self, subject: Subject) -> float:
        """Predicted from the tier's prices and the text that the element is likely to have."""
        text = sum(len(word.text) + 1 for word in subject.element.words) / _CHARACTERS_PER_TOKEN + 60
        shown = _IMAGE_TOKENS if self._status.images else text
        read = (shown + _INSTRUCTION_TOKENS) * self._status.input_price_usd_micros_per_million
        return (read + text * self._status.output_price_usd_micros_per_million) / _MILLION

    async def read(self, subject: Subject) -> Reading:
        """Ask. Raises EngineFailed."""
        timeout_s = min(subject.timeout_s or _TIMEOUT_S, _TIMEOUT_S)
        element = subject.element
        images: tuple[Image, ...] = ()
        text = "The picture shows what is to be read."
        if self._status.images:
            images = (Image(await self._picture(subject, timeout_s), "image/png"),)
        else:
            text = _laid_out(element)
        question = Question(_INSTRUCTIONS.get(element.label, _TEXT), text, images)
        money = subject.max_cost_usd_micros
        constraints = Constraints(
            max_cost_usd_micros=None if money is None else int(money),
            allowed_tiers=frozenset({self.name}),
            policy=self._policy,
        )
        try:
            async with self._places:
                result = await answered(self._asker, question, constraints, timeout_s)
        except RoutingError as exc:
            raise EngineFailed(f"{self.name}: {exc.reason}: {exc}") from exc
        said, grid = _understood(element, result.text)
        return Reading(self.name, said, grid, (), float(result.cost_usd_micros), result.confidence)

    async def _picture(self, subject: Subject, timeout_s: float) -> bytes:
        try:
            drawn: bytes = await self._readers.call(
                "router.documents.engines.drawing:draw", subject, silence_s=timeout_s
            )
        except (WorkerDied, DocumentError) as exc:
            raise EngineFailed(f"{self.name}: the element cannot be drawn: {exc}") from exc
        return drawn


def _laid_out(element: Element) -> str:
    """The words in lines, as they stand; else what the file says."""
    if element.words:
        return text_of(rows_of(element.words))
    return "" if element.native is None else element.native.text


def _understood(element: Element, answer: str) -> tuple[str, Grid | None]:
    """The text of an answer, and the grid of a table's. Raises EngineFailed where a table is none."""
    fenced = _FENCE.match(answer)
    text = (fenced[1] if fenced else answer).strip("\n")
    if element.label is not Label.TABLE:
        return text, None
    markdown_it = library("markdown_it", "documents", "reading Markdown")
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(text)
    for part in parts_of(tokens):
        if part.grid is not None:
            return part.grid.text, part.grid
    raise EngineFailed("the tier gave no table")
