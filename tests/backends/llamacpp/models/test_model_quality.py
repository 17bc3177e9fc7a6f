"""The quality report: distances as defined, a verdict that follows from them, texts as given."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from backends.errors import Refused
from backends.llamacpp.models.quality.compare import compare
from backends.llamacpp.models.quality.measures import Logits, Measures, Tally
from backends.llamacpp.models.quality.verdict import Verdict, judge
from backends.llamacpp.models.quantize.quantize import quantize
from backends.llamacpp.models.quantize.recipe import Recipe
from backends.llamacpp.models.texts import Text, held_back, read_texts, windows

LOGITS = arrays.arrays(np.float32, (20, 9), elements=st.floats(-50, 50, width=32))
EDGE = Path(__file__).parents[4] / "examples" / "pocket" / "weights" / "edge.gguf"


def measured(logits: Logits, other: Logits) -> Measures:
    """Measures where the next token is always the first."""
    tally = Tally()
    tally.add(logits, other, [0] * len(logits))
    return tally.measures()


@given(logits=LOGITS)
def test_a_model_is_no_distance_from_itself(logits: Logits) -> None:
    """Nothing diverges, everything agrees, whatever constant is added."""
    found = measured(logits, logits + np.float32(1))
    assert found.mean_kl_nats == pytest.approx(0, abs=1e-9)
    assert found.perplexity == pytest.approx(found.other_perplexity)


@given(logits=LOGITS, other=LOGITS)
def test_measures_stay_within_their_ranges(logits: Logits, other: Logits) -> None:
    """Divergence is not negative, shares are shares, perplexity is at least 1."""
    found = measured(logits, other)
    assert 0 <= found.mean_kl_nats < 200
    assert 0 <= found.greedy_agreement <= 1
    assert 0 <= found.top5_overlap <= 1
    assert found.perplexity >= 1


def test_divergence_and_perplexity_by_hand() -> None:
    """KL((1/2, 1/2) || (1/4, 3/4)) = ln 2 - ln(3) / 2, and the first token has a half and a quarter."""
    even, uneven = np.full((1, 6), -1e9, np.float32), np.full((1, 6), -1e9, np.float32)
    even[0, :2], uneven[0, :2] = 0, np.log([1, 3])
    found = measured(even, uneven)
    assert found.mean_kl_nats == pytest.approx(math.log(2) - math.log(3) / 2, rel=1e-6)
    assert found.perplexity == pytest.approx(2)
    assert found.other_perplexity == pytest.approx(4)


def test_pieces_of_a_text_add_up() -> None:
    """Counting at once or in pieces is the same."""
    random = np.random.default_rng(1)
    logits, other = random.normal(size=(2, 40, 11)).astype(np.float32)
    whole, pieces = measured(logits, other), Tally()
    for start in range(0, 40, 7):
        rows = slice(start, start + 7)
        pieces.add(logits[rows], other[rows], [0] * len(logits[rows]))
    assert asdict(pieces.measures()) == pytest.approx(asdict(whole))


@pytest.mark.parametrize(
    ("kl", "agreement", "verdict"),
    [
        (0.001, 0.99, Verdict.INDISTINGUISHABLE),
        (0.03, 0.99, Verdict.SLIGHT),
        (0.001, 0.91, Verdict.SLIGHT),
        (0.1, 0.91, Verdict.NOTICEABLE),
        (0.001, 0.5, Verdict.BROKEN),
        (math.nan, 0.99, Verdict.BROKEN),
    ],
)
def test_the_worse_of_two_decides(kl: float, agreement: float, verdict: Verdict) -> None:
    """Divergence and agreement both count; what is not a number is broken."""
    some = measured(np.eye(6, dtype=np.float32), np.eye(6, dtype=np.float32))
    assert judge(replace(some, mean_kl_nats=kl, greedy_agreement=agreement)).verdict == verdict


def test_more_bits_are_nearer(tmp_path: Path) -> None:
    """Eight bits of the pocket model are nearer to it than three, and smaller is reported as smaller."""
    quantize(EDGE, tmp_path / "full.gguf", Recipe("f32", requantize=True))
    text = Text(text="82<|end|>", prompt="<|user|>What is 34 + 48?<|assistant|>")
    found = []
    for mixture in ("q8_0", "q3_k_s"):
        target = tmp_path / f"{mixture}.gguf"
        quantize(tmp_path / "full.gguf", target, Recipe(mixture))
        found.append(compare(tmp_path / "full.gguf", target, texts=[text]))
    near, far = (each.measures for each in found)
    assert near.mean_kl_nats < far.mean_kl_nats
    assert found[1].size_ratio < found[0].size_ratio < 1
    assert near.position_count == 3
    assert found[0].original.tokens_per_second > 0


def test_models_with_other_words_cannot_be_compared(tiny_gguf: Path) -> None:
    """Distributions over different vocabularies have no distance."""
    with pytest.raises(Refused, match="different vocabularies"):
        compare(tiny_gguf, EDGE)


class Letters:
    """Splits texts into letters; a first token is put before what it surrounds."""

    def tokenize(self, text: str, *, surround: bool, special: bool) -> list[int]:
        return [0] * surround + [ord(letter) for letter in text]


def test_texts_are_cut_into_windows_and_prompts_are_not_judged() -> None:
    """The first judged position is the prompt's last, which predicts the text's first token."""
    (whole,) = windows(Letters(), [Text("cd", prompt="ab")], 10)
    assert (whole.tokens, whole.first) == ([0, *b"abcd"], 2)
    cut = windows(Letters(), [Text("defg", prompt="abc")], 3)
    assert [(window.tokens, window.first) for window in cut] == [([*b"cde"], 0), ([*b"fg"], 0)]
    with pytest.raises(Refused, match="no two tokens"):
        windows(Letters(), [], 3)


def test_every_fifth_text_is_held_back() -> None:
    """What a model is calibrated by is not what it is judged by, where there is enough."""
    texts = [Text(str(i)) for i in range(12)]
    calibrating, judging = held_back(texts)
    assert [text.text for text in judging] == ["0", "5", "10"]
    assert {*calibrating} | {*judging} == {*texts}
    assert not {*calibrating} & {*judging}
    assert held_back(texts[:4]) == (tuple(texts[:4]), tuple(texts[:4]))


def test_texts_are_read_in_either_form(tmp_path: Path) -> None:
    """Pieces apart by blank lines, or JSON lines with or without a prompt."""
    plain, lines = tmp_path / "a.txt", tmp_path / "a.jsonl"
    plain.write_text("one\ntwo\n\n \nthree\n")
    lines.write_text(json.dumps("one") + "\n\n" + json.dumps({"prompt": "p", "text": "t"}) + "\n")
    assert read_texts(plain) == (Text("one\ntwo"), Text("three"))
    assert read_texts(lines) == (Text("one"), Text("t", "p"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "1 is not JSON"),
        (b"[1]", "neither a string"),
        (b'{"text": 1}', "no string"),
        (b"\xff", "not UTF-8"),
        (b"", "no text"),
    ],
)
def test_texts_in_no_form_are_refused(tmp_path: Path, line: bytes, message: str) -> None:
    """With the line that is wrong."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line)
    with pytest.raises(Refused, match=message):
        read_texts(path)
