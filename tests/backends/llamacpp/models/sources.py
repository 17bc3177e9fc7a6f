"""Random transformers models of a few thousand weights in the variants that can be converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

_BEFORE_DIGITS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_AFTER_DIGITS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = _BEFORE_DIGITS + r"\p{N}{1,3}" + _AFTER_DIGITS
QWEN2 = _BEFORE_DIGITS + r"\p{N}" + _AFTER_DIGITS
_CORPUS = [
    "the quick brown fox jumps over the lazy dog, didn't it? 1234567890 times!\n\n",
    "def f(x):\n    return x + 1\n",
    "Größe naïve Ωμέγα Привет 日本語 한국어 👩 ½",
] * 9
_SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    # Large enough that the most probable token stands out, so that rounding does not change it.
    "initializer_range": 0.4,
}


def split(pattern: str) -> Any:
    """The pre-tokenizer of Llama 3, Qwen 2 and their like."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def smollm() -> Any:
    """The pre-tokenizer of SmolLM."""
    own = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), own])


def tokenizer(
    pre_tokenizer: Any, *, begins: bool = False, ignore_merges: bool = False, nfc: bool = False
) -> PreTrainedTokenizerFast:
    """A byte-level BPE with a beginning token, an end token, and one that is not special."""
    bpe = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizer, decoders.ByteLevel()
    if nfc:
        bpe.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|begin|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_CORPUS, trainer)
    bpe.add_tokens([AddedToken("<tool>", normalized=False)])
    if begins:
        bpe.post_processor = processors.TemplateProcessing("<|begin|> $A", special_tokens=[("<|begin|>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|begin|>",
        eos_token="<|end|>",
        chat_template="{{ messages[0]['content'] }}",
    )


def save_llama(
    folder: Path, words: PreTrainedTokenizerFast, dtype: torch.dtype = torch.float32, **more: Any
) -> Path:
    """Save a random Llama."""
    config = LlamaConfig(vocab_size=len(words) + 3, eos_token_id=1, **_SHAPE | more)
    return _save(folder, LlamaForCausalLM, config, words, dtype)


def save_qwen3(
    folder: Path, words: PreTrainedTokenizerFast, dtype: torch.dtype = torch.float32, **more: Any
) -> Path:
    """Save a random Qwen3, whose heads are wider than its width says."""
    config = Qwen3Config(vocab_size=len(words) + 3, eos_token_id=1, head_dim=16, **_SHAPE | more)
    return _save(folder, Qwen3ForCausalLM, config, words, dtype)


def _save(folder: Path, kind: Any, config: Any, words: PreTrainedTokenizerFast, dtype: torch.dtype) -> Path:
    torch.manual_seed(0)
    model = kind(config).to(dtype)
    for name, parameter in model.named_parameters():
        # Fresh biases are zero and fresh norms one, which would hide a mistake.
        if name.endswith("bias") or "norm" in name:
            torch.nn.init.normal_(parameter, mean=float("norm" in name), std=0.2)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
