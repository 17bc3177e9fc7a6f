"""Random models of a few thousand weights in the real file formats, for tests of engines, not of answers.

A dense model as GGUF and as safetensors with the same float32 weights, and a mixture of experts
as safetensors. They share a byte-level BPE tokenizer with a chat template.
"""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)

SPECIALS = ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
END = SPECIALS[-1]
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CONTEXT = 2048
_SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    # Large enough that the most probable token stands out, so that rounding does not change it.
    "initializer_range": 0.4,
}


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer with all bytes, a few merges, and a template."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(["the quick brown fox jumps over the lazy dog"] * 9, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=SPECIALS[0], eos_token=END, chat_template=TEMPLATE
    )


def save_dense(folder: Path) -> Path:
    """Save the dense model as safetensors into ``folder``, and beside it as ``model.gguf``; return that."""
    words = tokenizer()
    torch.manual_seed(0)
    config = Qwen3Config(vocab_size=len(words), eos_token_id=words.eos_token_id, **_SHAPE)
    model = Qwen3ForCausalLM(config).float()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return _write_gguf(folder / "model.gguf", model, words)


def save_moe(folder: Path) -> Path:
    """Save the mixture of experts as safetensors into ``folder``; return that."""
    words = tokenizer()
    torch.manual_seed(1)
    config = Qwen3MoeConfig(
        vocab_size=len(words),
        eos_token_id=words.eos_token_id,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=32,
        norm_topk_prob=True,
        **_SHAPE,
    )
    Qwen3MoeForCausalLM(config).float().save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _write_gguf(path: Path, model: Qwen3ForCausalLM, words: PreTrainedTokenizerFast) -> Path:
    writer = gguf.GGUFWriter(path, "qwen3")
    config = model.config
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    _add_tokenizer(writer, words)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name != "lm_head.weight":
            target = names.get_name(name, try_suffixes=(".weight",))
            writer.add_tensor(target, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter, words: PreTrainedTokenizerFast) -> None:
    tokens = words.convert_ids_to_tokens(list(range(len(words))))
    special = gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([special if token in SPECIALS else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges(_merges(words))
    writer.add_eos_token_id(words.eos_token_id)
    writer.add_pad_token_id(words.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def _merges(words: PreTrainedTokenizerFast) -> list[str]:
    merges = json.loads(words.backend_tokenizer.to_str())["model"]["merges"]
    return [" ".join(merge) for merge in merges]
