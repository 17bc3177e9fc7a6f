"""The pocket tokenizer: single digits, the GPT-2 pattern, the chat template."""

import pytest
from tokenizers import Tokenizer, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from examples.pocket.tasks import draw
from examples.pocket.tokenizer import VOCABULARY_SIZE, answer_of, build_tokenizer, written
from examples.pocket.weights import LOCAL


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as shipped."""
    return AutoTokenizer.from_pretrained(LOCAL, local_files_only=True)


def test_digits_are_single(tokenizer: PreTrainedTokenizerFast) -> None:
    """No token holds two digits, or a digit with anything else."""
    assert not [token for token in tokenizer.get_vocab() if len(token) > 1 and any(map(str.isdigit, token))]


def test_gpt2_pattern_gives_the_ids_of_training(tokenizer: PreTrainedTokenizerFast) -> None:
    """Splitting digits off first, as in training, and the GPT-2 pattern alone give equal ids."""
    trained = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), byte_level]
    )
    for sample in draw(2000, split="test", seed=2):
        for text in (sample.prompt, written(sample, reasons=True), sample.answer):
            assert trained.encode(text).ids == tokenizer(text).input_ids


def test_any_text_comes_back(tokenizer: PreTrainedTokenizerFast) -> None:
    """Byte-level BPE loses nothing, whatever the script."""
    text = "naïve café — 東京 12,5 €\n\tend  "
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_chat_template_marks_the_turns(tokenizer: PreTrainedTokenizerFast) -> None:
    """Each message opens with its role; only the assistant's ends."""
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2 plus 2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "3 plus 3?"},
    ]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert text == "<|system|>Be brief.<|user|>2 plus 2?<|assistant|>4<|end|><|user|>3 plus 3?<|assistant|>"


def test_vocabulary_has_the_size_of_the_embeddings(tokenizer: PreTrainedTokenizerFast) -> None:
    """Shipped or built anew, the tokenizer fills the models' vocabulary exactly."""
    assert len(tokenizer) == len(build_tokenizer()) == VOCABULARY_SIZE


def test_answer_follows_the_scratchpad() -> None:
    """What is after `</think>` is the answer; without a scratchpad everything is."""
    assert answer_of("<think>7+8=15</think>15") == "15"
    assert answer_of("15") == "15"
