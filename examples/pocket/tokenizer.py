"""The family's one tokenizer: byte-level BPE in which digits stay single, and the chat template.

It is trained with digits split off, yet used with the plain GPT-2 pattern that llama.cpp knows as `gpt-2`.
Both give the same ids because no merge contains a digit and the corpus holds no runs of spaces.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from examples.pocket.tasks import Sample, draw

VOCABULARY_SIZE = 768
CONTEXT_LENGTH = 512
SPECIALS = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
PAD, SYSTEM, USER, ASSISTANT, END = SPECIALS
PAD_ID, END_ID = SPECIALS.index(PAD), SPECIALS.index(END)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_CORPUS_SEED = 1
_CORPUS_SIZE = 40_000


def written(sample: Sample, *, reasons: bool) -> str:
    """Returns what a model should write after `<|assistant|>`, without the end token."""
    return f"<think>{sample.reasoning}</think>{sample.answer}" if reasons else sample.answer


def answer_of(text: str) -> str:
    """Returns what follows the scratchpad, or all of the text where there is none."""
    return text.rpartition("</think>")[2]


def _corpus() -> Iterator[str]:
    for sample in draw(_CORPUS_SIZE, split="train", seed=_CORPUS_SEED):
        yield sample.prompt
        yield written(sample, reasons=True)


def train_bpe(texts: Iterable[str]) -> Tokenizer:
    """Learns the merges and returns a tokenizer that splits as GPT-2 does."""
    bpe = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in SPECIALS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    bpe.pre_tokenizer = byte_level
    return bpe


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Trains the tokenizer anew; the same code gives the same tokenizer."""
    return PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(_corpus()),
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT_LENGTH,
        clean_up_tokenization_spaces=False,
    )


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Loads the tokenizer from `folder`, or trains and saves it there."""
    if not (folder / "tokenizer.json").exists():
        build_tokenizer().save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)
