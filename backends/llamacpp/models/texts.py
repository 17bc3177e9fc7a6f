"""Texts to calibrate and to judge by: a file of prompts, or a few passages of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backends.errors import Refused

_MAX_FILE_BYTES = 64 * 2**20
_HELD_BACK = 5


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and what comes before it, which is read but not judged."""

    text: str
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens to be read from an empty context; what is said at index ``first`` and after it is judged."""

    tokens: list[int]
    first: int = 0


class Tokenizer(Protocol):
    """Who splits texts; :class:`backends.llamacpp.models.loaded.Loaded` does."""

    def tokenize(self, text: str, *, surround: bool, special: bool) -> list[int]:
        """Token ids of a text."""
        ...


def read_texts(path: Path) -> tuple[Text, ...]:
    """Read the texts of a file.

    ``.jsonl``: one JSON string a line, or an object with "text", and perhaps "prompt". Otherwise plain
    text, whose pieces are apart by blank lines. Names of special tokens are read as these tokens, so
    that prompts may be written as the model's chat template would. Raises Refused where it cannot.
    """
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise Refused(f"{path} has {path.stat().st_size} bytes; {_MAX_FILE_BYTES} are the most")
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise Refused(f"{path} is not UTF-8 text: {exc.reason} at byte {exc.start}") from exc
    if path.suffix == ".jsonl":
        texts = [_of_line(path, *numbered) for numbered in enumerate(content.splitlines(), 1)]
    else:
        texts = [Text(piece.strip("\n")) for piece in re.split(r"\n\s*\n", content)]
    found = tuple(text for text in texts if text.text.strip())
    if not found:
        raise Refused(f"{path} holds no text")
    return found


def held_back(texts: Sequence[Text]) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Texts to calibrate by, and every fifth, to judge by; fewer than five serve both."""
    if len(texts) < _HELD_BACK:
        return tuple(texts), tuple(texts)
    return tuple(text for i, text in enumerate(texts) if i % _HELD_BACK), tuple(texts[::_HELD_BACK])


def windows(tokenizer: Tokenizer, texts: Sequence[Text], length: int) -> list[Window]:
    """Cut each text into windows of at most ``length`` tokens; raises Refused where nothing is left."""
    found = [window for text in texts for window in _cut(tokenizer, text, length)]
    if not found:
        raise Refused("the texts have no two tokens in a row to be judged")
    return found


def _cut(tokenizer: Tokenizer, text: Text, length: int) -> Iterator[Window]:
    before = tokenizer.tokenize(text.prompt, surround=True, special=True) if text.prompt else []
    tokens = before + tokenizer.tokenize(text.text, surround=not before, special=True)
    for start in range(0, len(tokens), length):
        piece, first = tokens[start : start + length], max(0, len(before) - 1 - start)
        if first < len(piece) - 1:
            yield Window(piece, first)


def _of_line(path: Path, number: int, line: str) -> Text:
    if not line.strip():
        return Text("")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise Refused(f"{path}:{number} is not JSON: {exc}") from exc
    fields = {"text": value} if isinstance(value, str) else value
    if not isinstance(fields, dict) or fields.keys() - {"text", "prompt"} or "text" not in fields:
        raise Refused(f'{path}:{number} is neither a string nor {{"text": ..., "prompt": ...}}')
    if not all(isinstance(part, str) for part in fields.values()):
        raise Refused(f"{path}:{number} has a text or a prompt that is no string")
    return Text(**fields)


_PASSAGES = (
    "The lighthouse keeper wrote down the weather every evening. On the fourth of March the wind turned to "
    "the north-east, the barometer fell by eleven millibars within three hours, and two fishing boats that "
    "had left at noon did not come back before dark. He lit the lamp early and kept it burning until ten "
    "the next morning, although the oil was meant to last another week.",
    "Photosynthesis turns light into chemical energy. In the chloroplasts of a plant, chlorophyll absorbs "
    "mostly red and blue light; water is split, oxygen is released, and the energy is stored in sugars that "
    "are built from carbon dioxide. The reactions that need light take place in the thylakoid membranes, "
    "those that do not in the stroma around them.",
    "def binary_search(items: list[int], wanted: int) -> int | None:\n    low, high = 0, len(items)\n"
    "    while low < high:\n        middle = (low + high) // 2\n        if items[middle] < wanted:\n"
    "            low = middle + 1\n        else:\n            high = middle\n"
    "    return low if low < len(items) and items[low] == wanted else None\n",
    '{"order": 10482, "customer": {"name": "M. Okafor", "city": "Leeds"}, "lines": [{"item": "desk lamp", '
    '"quantity": 2, "price": 34.50}, {"item": "notebook, A5", "quantity": 12, "price": 2.75}], "paid": true}',
    "Question: A train leaves at 9:40 and arrives at 13:05. How long is the journey?\nAnswer: From 9:40 to "
    "13:00 are 3 hours and 20 minutes, and 5 minutes more make 3 hours and 25 minutes.\n\nQuestion: What is "
    "17 times 23?\nAnswer: 17 times 20 is 340, 17 times 3 is 51, together 391.",
    "Dear Ms Harrow,\n\nthank you for your letter of 12 May. We have looked into the delay and found that "
    "your parcel was sent to the wrong depot. It has been on its way again since yesterday and should reach "
    "you on Thursday. The costs of delivery will be refunded within five working days.\n\nKind regards,\n"
    "Customer Service",
    "Der Zug nach Hannover fährt heute von Gleis sieben und hat etwa zwanzig Minuten Verspätung. Reisende "
    "nach Bremen steigen bitte in Hannover um; der Anschluss wartet. Wir bitten um Entschuldigung und "
    "danken für Ihr Verständnis.",
    "To repot the plant: 1. Water it the day before. 2. Loosen the roots with your fingers and shake off "
    "the old soil. 3. Put a layer of gravel into the new pot, then two centimetres of fresh soil. 4. Set the "
    "plant in the middle, fill up around it, and press lightly. 5. Water again, and keep it out of direct "
    "sunlight for a week.",
)
PASSAGES = tuple(map(Text, _PASSAGES))
"""What models are judged by where no texts are given: prose, code, data, sums, a letter, German, a list."""
