"""The file's own word: what the splitter found in the element."""

from __future__ import annotations

from dataclasses import replace

from router.documents.element import Reading
from router.documents.engines.base import Subject
from router.documents.errors import EngineFailed
from router.documents.parse.assemble import PARSER

# CPU seconds of a page in liteparse (44 pages of 12 public files), shared by its elements.
_SECONDS_PER_PAGE = 0.007
_MICROS = 1_000_000
_SECONDS_PER_HOUR = 3600.0


class ParserEngine:
    """Gives the native reading; see :class:`router.documents.engines.base.Engine`."""

    def __init__(self, cpu_usd_per_hour: float) -> None:
        self._usd_micros_per_s = cpu_usd_per_hour * _MICROS / _SECONDS_PER_HOUR

    @property
    def name(self) -> str:
        """What policies call it."""
        return PARSER

    def missing(self) -> str | None:
        """Nothing: it has read already."""
        return None

    def reads(self, subject: Subject) -> bool:
        """Whether the file says anything about the element."""
        return subject.element.native is not None

    def seconds(self, subject: Subject) -> float:
        """The element's part of its page."""
        return _SECONDS_PER_PAGE / max(len(subject.page.elements), 1)

    def cost_usd_micros(self, subject: Subject) -> float:
        """Cost of the nominal seconds."""
        return round(self.seconds(subject) * self._usd_micros_per_s, 6)

    async def read(self, subject: Subject) -> Reading:
        """The native reading. Raises EngineFailed where there is none."""
        native = subject.element.native
        if native is None:
            raise EngineFailed("the file says nothing here")
        return replace(native, cost_usd_micros=self.cost_usd_micros(subject))
