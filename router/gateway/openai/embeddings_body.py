"""The body of embeddings: texts that are to become vectors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.gateway.body import Part

_Text = Annotated[str, Field(min_length=1)]


class EmbeddingsBody(Part):
    """Vectors that are asked for."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """The name of a tier that embeds, or `auto` for the cheapest one that does."""
    input: _Text | Annotated[tuple[_Text, ...], Field(min_length=1, max_length=2048)]
    """A text, or several. Tokens of another model's are not taken."""
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: None = None
    user: Annotated[str, Field(max_length=512)] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts in their order."""
        return (self.input,) if isinstance(self.input, str) else self.input
