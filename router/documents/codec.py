"""Pages, readings and outcomes as JSON, for the journal; what is read back equals what was written."""

from __future__ import annotations

from pydantic import TypeAdapter

from router.documents.element import Page, Reading
from router.documents.outcome import Outcome

PAGE: TypeAdapter[Page] = TypeAdapter(Page)
READING: TypeAdapter[Reading] = TypeAdapter(Reading)
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
