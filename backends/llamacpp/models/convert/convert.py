"""Writes a transformers model folder as one GGUF file, tensor by tensor.

Decides number formats: matrices as asked for, vectors in f32. Never holds more than one tensor, and
replaces the file in one rename.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from backends.errors import Refused
from backends.llamacpp.models.child import run_job
from backends.llamacpp.models.convert.architecture import Architecture, Planned
from backends.llamacpp.models.convert.result import Parity
from backends.llamacpp.models.convert.source import Source
from backends.llamacpp.models.convert.vocabulary import TokenizerTables
from backends.llamacpp.models.output import unfinished
from backends.llamacpp.models.progress import Progress, silent

WeightType = Literal["f32", "f16", "bf16"]
_BYTES = {"f32": 4, "f16": 2, "bf16": 2}
_PARITY = "backends.llamacpp.models.convert.parity"
# By how much a choice of llama.cpp may be less probable than the best, in nats: what rounding can do.
# A tensor in the wrong place costs whole nats at most positions. llama.cpp rounds inputs to bf16, too.
_TOLERANCE_NATS = {"f32": 0.001, "f16": 0.05, "bf16": 0.25}


@dataclass(frozen=True, slots=True)
class Card:
    """What the file says of itself. ``name`` None: the folder's; ``license`` None: nothing."""

    name: str | None = None
    license: str | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written. ``type`` is that of the matrices; ``parity`` None: it was not checked.

    ``notes`` are sentences on what the file cannot say.
    """

    path: Path
    architecture: str
    type: WeightType
    tensor_count: int
    parameter_count: int
    byte_count: int
    parity: Parity | None
    notes: tuple[str, ...]


_UNNAMED = Card()


def convert(
    folder: Path,
    target: Path,
    *,
    weight_type: WeightType = "f16",
    card: Card = _UNNAMED,
    check: bool = True,
    progress: Progress = silent,
) -> Converted:
    """Write the model of ``folder`` to ``target``, which is replaced.

    Reads and writes each weight once. ``check`` then compares the file with transformers, which takes
    memory for the model in float32, and a minute per billion weights or so. Raises Refused where
    llama.cpp does not compute the same; then nothing is written.
    """
    source = Source.open(folder)
    architecture = Architecture.of(source.architecture, source.config)
    plan = architecture.plan(source.weights)
    row_count = next(tensor.shape[0] for tensor in plan if tensor.name == "token_embd.weight")
    tables = TokenizerTables.of(source, row_count)
    with unfinished(target) as part:
        writer = _writer(part, architecture, tables, weight_type)
        writer.add_name(card.name or folder.resolve().name)
        if card.license:
            writer.add_license(card.license)
        try:
            _write(writer, plan, weight_type, progress)
        finally:
            writer.close()
        parity = _checked(folder, part, weight_type, progress) if check else None
    return Converted(
        target,
        architecture.name,
        weight_type,
        len(plan),
        sum(int(np.prod(tensor.shape)) for tensor in plan),
        os.path.getsize(target),
        parity,
        tables.notes,
    )


def _checked(folder: Path, path: Path, weight_type: WeightType, progress: Progress) -> Parity:
    found = run_job(_PARITY, {"folder": str(folder), "path": str(path)}, progress)
    parity = Parity(**found | {"wrong_texts": tuple(found["wrong_texts"])})
    if parity.wrong_texts:
        raise Refused(
            f"llama.cpp splits {len(parity.wrong_texts)} of {parity.text_count} test texts otherwise than "
            f"transformers, such as {parity.wrong_texts[0]!r}; nothing was written"
        )
    if not parity.worst_gap_nats <= _TOLERANCE_NATS[weight_type]:
        raise Refused(
            f"llama.cpp chooses {parity.token_count - parity.same_token_count} of {parity.token_count} "
            f"tokens otherwise than transformers, up to {parity.worst_gap_nats:.3g} nats worse; nothing was "
            "written"
        )
    return parity


def _writer(path: Path, architecture: Architecture, tables: TokenizerTables, weight_type: WeightType) -> Any:
    from gguf import GGML_QUANT_VERSION, GGUFWriter, LlamaFileType

    file_types = {
        "f32": LlamaFileType.ALL_F32,
        "f16": LlamaFileType.MOSTLY_F16,
        "bf16": LlamaFileType.MOSTLY_BF16,
    }
    writer = GGUFWriter(path, architecture.name)
    writer.add_file_type(file_types[weight_type])
    writer.add_quantization_version(GGML_QUANT_VERSION)
    writer.add_vocab_size(len(tables.tokens))
    architecture.describe(writer)
    tables.describe(writer)
    return writer


def _write(writer: Any, plan: Sequence[Planned], weight_type: WeightType, progress: Progress) -> None:
    from gguf import GGMLQuantizationType

    sizes = [int(np.prod(tensor.shape)) * _BYTES[_type_of(tensor, weight_type)] for tensor in plan]
    for tensor, size in zip(plan, sizes, strict=True):
        kind = GGMLQuantizationType[_type_of(tensor, weight_type).upper()]
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), size, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    done = 0
    for tensor, size in zip(plan, sizes, strict=True):
        writer.write_tensor_data(_encoded(tensor, _type_of(tensor, weight_type)))
        done += size
        progress("writing tensors", done, sum(sizes))


def _type_of(tensor: Planned, weight_type: WeightType) -> WeightType:
    return weight_type if len(tensor.shape) > 1 else "f32"


def _encoded(tensor: Planned, weight_type: WeightType) -> npt.NDArray[Any]:
    import gguf

    weight = np.ascontiguousarray(tensor.read())
    if weight_type == "f32":
        return weight
    with np.errstate(over="ignore"):
        encoded = gguf.quants.quantize(weight, gguf.GGMLQuantizationType[weight_type.upper()])
    if weight_type == "f16" and not np.isfinite(encoded).all():
        raise Refused(f"{tensor.name} has weights that f16 cannot hold; convert with --type bf16 or f32")
    return np.asarray(encoded)
