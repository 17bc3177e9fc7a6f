"""Writes a tied Llama model and its tokenizer as one GGUF file that llama.cpp loads.

Decides names, layout and types of tensors and the tokenizer's metadata. It needs the `gguf` package only: its
quantisers are numpy, so nothing has to be compiled.
"""

import json
import os
from pathlib import Path

import gguf
import numpy as np
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, TokenType
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

_FILE_TYPES = {
    GGMLQuantizationType.F32: gguf.LlamaFileType.ALL_F32,
    GGMLQuantizationType.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
    GGMLQuantizationType.Q4_0: gguf.LlamaFileType.MOSTLY_Q4_0,
}


def write_gguf(
    path: Path,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    *,
    name: str,
    matrices: GGMLQuantizationType,
) -> None:
    """Writes the model to `path` in one rename; embeddings, which are the head too, get 8 bits at least."""
    part = path.with_suffix(".part")
    writer = GGUFWriter(part, "llama")
    _add_shape(writer, model.config, name)
    writer.add_file_type(_FILE_TYPES[matrices])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_tokenizer(writer, tokenizer)
    _add_tensors(writer, model, matrices)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def _add_shape(writer: GGUFWriter, config: LlamaConfig, name: str) -> None:
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def _add_tokenizer(writer: GGUFWriter, tokenizer: PreTrainedTokenizerFast) -> None:
    specials = set(tokenizer.all_special_ids)
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [TokenType.CONTROL if token_id in specials else TokenType.NORMAL for token_id in range(len(tokens))]
    )
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_bos_token_id(tokenizer.eos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)


def _interleaved(weight: np.ndarray, head_count: int) -> np.ndarray:
    """Turns rotary halves, as in transformers, into the pairs that llama.cpp rotates in `llama` models."""
    rows, columns = weight.shape
    halves = weight.reshape(head_count, 2, rows // head_count // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def _add_tensors(writer: GGUFWriter, model: LlamaForCausalLM, matrices: GGMLQuantizationType) -> None:
    config = model.config
    names = gguf.get_tensor_name_map(MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for key, parameter in model.named_parameters():
        weight = parameter.detach().float().cpu().numpy()
        kind = GGMLQuantizationType.F32 if weight.ndim == 1 else matrices
        if "embed_tokens" in key and matrices == GGMLQuantizationType.Q4_0:
            kind = GGMLQuantizationType.Q8_0
        head_count = heads.get(key.split(".")[-2])
        if head_count:
            weight = _interleaved(weight, head_count)
        name = names.get_name(key, try_suffixes=(".weight",))
        writer.add_tensor(name, gguf.quants.quantize(weight, kind), raw_dtype=kind)
