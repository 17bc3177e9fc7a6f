"""Quantises a GGUF file by a recipe, and tells what became of every tensor."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.cores import core_count
from backends.llamacpp.models.child import run_job
from backends.llamacpp.models.header import Header, read_header
from backends.llamacpp.models.output import unfinished
from backends.llamacpp.models.progress import Progress, silent
from backends.llamacpp.models.quantize.recipe import EMBEDDING, Recipe, head_of
from backends.llamacpp.models.shape import shape_of, weight_byte_count
from backends.llamacpp.models.texts import Text

_IMPORTANCE = "backends.llamacpp.models.quantize.importance"
_NATIVE = "backends.llamacpp.models.quantize.native"


@dataclass(frozen=True, slots=True)
class Change:
    """A tensor's number formats. ``wanted`` differs from ``after`` where the rows do not fit its blocks."""

    name: str
    shape: tuple[int, ...]
    before: str
    after: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Quantised:
    """What was written. ``importance_token_count`` 0: without an importance matrix."""

    path: Path
    recipe: Recipe
    byte_count_before: int
    byte_count: int
    bits_per_weight: float
    importance_token_count: int
    changes: tuple[Change, ...]

    @property
    def fallbacks(self) -> tuple[Change, ...]:
        """Tensors that llama.cpp gave another format than the recipe's, for the width of their rows."""
        return tuple(change for change in self.changes if change.wanted != change.after)


def quantize(
    source: Path,
    target: Path,
    recipe: Recipe,
    *,
    texts: Sequence[Text] = (),
    progress: Progress = silent,
) -> Quantised:
    """Write ``source`` to ``target``, which is replaced, in the formats of ``recipe``.

    With ``texts`` errors are kept small where the weights are used most, as an importance matrix over
    them says. Raises Refused where the file or the recipe is wrong; then nothing is written.
    """
    header = read_header(source)
    shape_of(header)
    recipe.check(header, has_importance=bool(texts))
    with tempfile.TemporaryDirectory(prefix="upshift-quantize-") as folder, unfinished(target) as part:
        importance, token_count = None, 0
        if texts:
            importance = str(Path(folder) / "importance.npz")
            request = {"path": str(source), "texts": [asdict(text) for text in texts], "target": importance}
            token_count = run_job(_IMPORTANCE, request, progress)["token_count"]
        request = asdict(recipe) | {
            "source": str(source),
            "target": str(part),
            "tied": head_of(header).name == EMBEDDING,
            "importance": importance,
            "thread_count": core_count(),
        }
        fallbacks = run_job(_NATIVE, request, progress)["fallbacks"]
        after = read_header(part)
    return Quantised(
        path=target,
        recipe=recipe,
        byte_count_before=header.file_byte_count,
        byte_count=after.file_byte_count,
        bits_per_weight=_bits_per_weight(after),
        importance_token_count=token_count,
        changes=_changes(header, after, fallbacks),
    )


def _changes(before: Header, after: Header, fallbacks: dict[str, str]) -> tuple[Change, ...]:
    types = {tensor.name: tensor.type for tensor in before.tensors}
    return tuple(
        Change(
            name=tensor.name,
            shape=tensor.shape,
            before=types[tensor.name],
            after=tensor.type,
            wanted=fallbacks.get(tensor.name, tensor.type),
        )
        for tensor in after.tensors
    )


def _bits_per_weight(header: Header) -> float:
    return 8 * weight_byte_count(header) / sum(tensor.element_count for tensor in header.tensors)
