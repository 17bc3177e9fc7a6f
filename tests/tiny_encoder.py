"""A text encoder of a few thousand random weights, made where it is needed."""

from __future__ import annotations

from pathlib import Path

WORDS = ("add", "sum", "why", "prove", "write", "poem", "list", "invoice", "garden", "engine", "Task")


def make_encoder(folder: Path, *, seed: int = 0) -> Path:
    """Write a BERT of two layers with a vocabulary of WORDS and letters; returns its folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*marks, *(word.lower() for word in WORDS), *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(vocab={word: place for place, word in enumerate(words)})
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=128, **shape)).save_pretrained(folder)
    return folder
