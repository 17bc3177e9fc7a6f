"""Whether llama.cpp computes from a converted file what transformers computes from its source.

A job for a child process: both libraries are heavy, and llama.cpp ends its process over what it doubts.
Compares the tokens of difficult texts, and every choice along transformers' own greedy answers: where
both choose alike at each position, both write the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.llamacpp.models.child import serve_job
from backends.llamacpp.models.convert.result import Parity
from backends.llamacpp.models.loaded import Loaded, loaded
from backends.llamacpp.models.progress import Progress

_PROMPTS = (
    "The capital of France is",
    "def fibonacci(n):\n    if n < 2:\n        return",
    "1, 2, 3, 4, 5,",
    "Der Fluss fließt unter der Brücke hindurch und",
)
_TEXTS = (
    *_PROMPTS,
    "",
    " ",
    "   leading and trailing   ",
    "line\nline\r\n\r\n\tindented\n\n\n",
    "I'll, we've, she'd, IT'S, don't, y'all'd've",
    "0 12 345 6789 1234567890 3.14159 -1e-10 0x1F",
    "price: $5.99!!! (50% off) [see <https://example.org/a?b=c&d=e#f>]",
    "snake_case camelCase SCREAMING kebab-case a.b.c(d, e=f)",
    '{"key": [1, 2.5, null, true], "text": "a\\"b"}',
    "Größe, naïve, façade, Ωμέγα, Привет, مرحبا, שלום",
    "日本語のテキスト。中文字符，한국어 문장",
    "👩‍👩‍👧‍👦 🏳️‍🌈 ☕️ ✓",
    "a" * 40 + " " * 20 + "!" * 30,
    "x\u00a0y\u2003z\u200b",
    "mixed 12ab34 ab12cd ١٢٣ ½ ²",
)
_NEW_TOKEN_COUNT = 24
_SPECIAL_COUNT = 8


def main() -> None:
    """Be the child."""
    serve_job(_job)


def _job(request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, path = request["folder"], Path(request["path"])
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    progress("loading the original", 0, 0)
    model = AutoModelForCausalLM.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
    ).eval()
    answers = []
    for done, prompt in enumerate(_PROMPTS):
        answers.append(_answer(model, tokenizer(prompt).input_ids))
        progress("asking the original", done + 1, len(_PROMPTS))
    del model
    progress("asking llama.cpp", 0, 0)
    longest = max(len(answer.tokens) for answer in answers)
    with loaded(path, context_token_count=longest, cache_type=0) as found:
        texts = [*_TEXTS, *_around(tokenizer.added_tokens_decoder.values())]
        wrong = [text for text in texts if not _splits_alike(found, tokenizer, text)]
        compared = np.concatenate([_compare(found, answer) for answer in answers])
    same, gaps, differences = compared.T
    return asdict(
        Parity(
            len(texts), tuple(wrong), len(same), int(same.sum()), float(gaps.max()), float(differences.max())
        )
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """A prompt with transformers' greedy answer; ``logprobs`` are of what follows each answering position."""

    tokens: Sequence[int]
    prompt_length: int
    logprobs: Any


def _answer(model: Any, prompt: Sequence[int]) -> _Answer:
    import torch

    # Nothing is taken from generation_config: it may ask for chance.
    limit = min(len(prompt) + _NEW_TOKEN_COUNT, model.config.max_position_embeddings)
    tokens, past = list(prompt), None
    with torch.inference_mode():
        while len(tokens) < limit:
            unread = tokens if past is None else tokens[-1:]
            step = model(torch.tensor([unread]), past_key_values=past, use_cache=True)
            past = step.past_key_values
            tokens.append(int(step.logits[0, -1].argmax()))
        logits = model(torch.tensor([tokens])).logits[0, len(prompt) - 1 : -1]
        return _Answer(tokens, len(prompt), torch.log_softmax(logits, -1).numpy())


def _compare(found: Loaded, answer: _Answer) -> Any:
    """Whether the choice is the same, its gap, the difference; float64, (positions of the answer, 3)."""
    logits = np.concatenate([rows.copy() for _, rows in found.read_all(answer.tokens)])
    logits = logits[answer.prompt_length - 1 : -1].astype(np.float64)
    top = logits.max(-1, keepdims=True)
    ours = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
    theirs = answer.logprobs.astype(np.float64)
    row, best, chosen = np.arange(len(theirs)), theirs.argmax(-1), ours.argmax(-1)
    gaps = theirs[row, best] - theirs[row, chosen]
    return np.stack([best == chosen, gaps, np.abs(theirs[row, best] - ours[row, best])], 1)


def _splits_alike(found: Loaded, tokenizer: Any, text: str) -> bool:
    return all(
        tokenizer(text, add_special_tokens=surround).input_ids
        == found.tokenize(text, surround=surround, special=True)
        for surround in (True, False)
    )


def _around(added: Any) -> list[str]:
    """Texts with special tokens in them."""
    names = [token.content for token in added][:_SPECIAL_COUNT]
    return [f"before{name}after {name} {name}{name}\n" for name in names]


if __name__ == "__main__":
    main()
