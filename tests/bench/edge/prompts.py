"""What is asked: prompts of a known number of tokens, each different from its first words on.

Every ASCII character is a token. How a prompt ends decides what the model answers (see ``chain``).
"""

from __future__ import annotations

import random
import string

from tests.bench.edge import chain

_LETTERS = string.ascii_letters + string.digits


def words(length: int, *seed: object) -> str:
    """Random words, ``length`` characters together, the same for the same ``seed``."""
    chance = random.Random(repr(seed))
    letters = string.ascii_lowercase + "     "
    return "".join(chance.choice(letters) for _ in range(length))


def plain(length: int, *seed: object) -> str:
    """A prompt whose answer repeats nothing, neither of the prompt nor of itself."""
    chance = random.Random(repr(seed))
    return words(length - 1, *seed) + chance.choice(chain.FREE)


def copied(length: int, edit_distance: int, *seed: object) -> str:
    """A prompt whose answer goes on with text of the prompt, as in quoting and in editing code.

    Every ``edit_distance`` characters, about, the text to be copied differs by one character from
    the answer, so that a guess that copies it ends there.
    """
    chance = random.Random(repr(seed))
    text = list(chain.ring_text(length, chance.randrange(len(_LETTERS))))
    # The last characters are left alone: the answer has to be led into the copied text.
    for place in range(chance.randrange(1, edit_distance), length - 8, edit_distance):
        text[place] = chance.choice(_LETTERS.replace(text[place], ""))
    return "".join(text)


def misleading(length: int, *seed: object) -> str:
    """A prompt full of beginnings that the answer repeats, each of which goes on in another way."""
    chance = random.Random(repr(seed))
    ending = chain.ring_text(4, chance.randrange(len(_LETTERS)))
    pieces = []
    for _ in range((length - len(ending)) // 4):
        start = chain.ring_text(4, chance.randrange(len(_LETTERS)))
        pieces.append(start[:3] + chance.choice(_LETTERS.replace(start[3], "")))
    return ("".join(pieces) + ending).rjust(length, ".")
