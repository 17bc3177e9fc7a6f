"""Greedy answers from a transformers model, many prompts at once. It grades nothing."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from examples.pocket.tokenizer import ASSISTANT, END_ID, PAD_ID, USER

MAX_NEW_TOKENS = 112
"""The longest scratchpad with its answer takes about 90."""


@torch.no_grad()
def answer_greedily(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]
) -> list[str]:
    """Returns what the model writes after each prompt, scratchpad included, special tokens removed."""
    texts = [f"{USER}{prompt}{ASSISTANT}" for prompt in prompts]
    encoded = tokenizer(
        texts, return_tensors="pt", padding=True, padding_side="left", return_token_type_ids=False
    )
    written = model.generate(
        **encoded.to(model.device),
        max_new_tokens=MAX_NEW_TOKENS,
        do_sample=False,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
    )
    answers = written[:, encoded.input_ids.shape[1] :]
    return [tokenizer.decode(answer, skip_special_tokens=True) for answer in answers]
