"""Writes a model and its tokenizer as one GGUF file, through the same tools as any other model.

Decides the formats of what is shipped: embeddings, which are the head too, get 8 bits at least. How a file is
written and quantised is `backends.llamacpp.models`' business.
"""

import tempfile
from pathlib import Path

from gguf import GGMLQuantizationType
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from backends.llamacpp.models.convert.convert import Card, convert
from backends.llamacpp.models.quantize.quantize import quantize
from backends.llamacpp.models.quantize.recipe import Recipe

_HEAD = "q8_0"


def write_gguf(
    path: Path,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    *,
    name: str,
    matrices: GGMLQuantizationType,
    check: bool = False,
) -> None:
    """Writes the model to `path` in one rename; `check` compares it with transformers first."""
    with tempfile.TemporaryDirectory() as folder:
        source, full = Path(folder) / "model", Path(folder) / "full.gguf"
        model.float().save_pretrained(source)
        tokenizer.save_pretrained(source)
        in_full = matrices == GGMLQuantizationType.F32
        card = Card(name, license="apache-2.0")
        convert(source, path if in_full else full, weight_type="f32", card=card, check=check)
        if not in_full:
            quantize(full, path, Recipe(matrices.name.lower(), head=_HEAD))
