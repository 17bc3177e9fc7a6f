"""What speaks for a reading and what against it: every verifier, on what it knows and on anything else."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.documents.element import Element, Label, Page, Provenance, Reading, Word
from router.documents.geometry import Box
from router.documents.table import Cell, Grid, grid_of
from router.documents.verify.agreement import text_likeness
from router.documents.verify.base import Claim
from router.documents.verify.confidence import shipped
from router.documents.verify.numbers import number
from router.documents.verify.registry import Verifiers
from router.documents.verify.relations import relation_f1
from router.documents.verify.values import is_iban, is_luhn

_BOX = Box(0.0, 0.0, 100.0, 10.0)


def claim(
    text: str = "",
    *,
    label: Label = Label.TEXT,
    grid: Grid | None = None,
    words: tuple[Word, ...] = (),
    layer: str | None = None,
    others: tuple[Reading, ...] = (),
    **element: Any,
) -> Claim:
    """A claim that ``text`` or ``grid`` is what an element says, whose text layer is ``layer``."""
    there = tuple(Word(word, _BOX) for word in (layer or "").split())
    part = Element("p1/e1", label, Provenance(1, _BOX), words=there, **element)
    reading = Reading("engine", text or (grid.text if grid else ""), grid, words)
    return Claim(Page(1, 1, 100.0, 100.0, ()), part, reading, others)


def scores(*words: Any, **named: Any) -> dict[str, float]:
    """All scores of a claim."""
    return Verifiers().measure(claim(*words, **named))


def table(*rows: list[str]) -> dict[str, float]:
    """All scores of a table."""
    return scores(grid=grid_of(rows), label=Label.TABLE)


def test_two_that_read_the_same_agree() -> None:
    """However the words are spaced; of several the most alike counts."""
    others = (Reading("far", "quite another text altogether"), Reading("near", "the  same\nwords"))
    assert scores("The same words", others=others)["agreement"] == 1.0
    assert "agreement" not in scores("The same words")
    assert "agreement" not in scores("The same words", others=(Reading("engine", "The same words"),))


def test_what_is_no_writing_is_no_witness() -> None:
    """To differ from garbled text says nothing."""
    assert "agreement" not in scores("The same words", others=(Reading("other", "\ufffd\ufffd\ufffd x"),))


def test_characters_of_the_layer_are_used_once() -> None:
    """Left out: coverage falls. Made up or doubled: the reading is less faithful."""
    whole = scores("all of it", layer="all of it")
    assert whole["coverage"] == whole["faithful"] == 1.0
    assert scores("all", layer="all of it")["coverage"] < 0.5
    doubled = scores("all of it all of it", layer="all of it")
    assert doubled["coverage"] == 1.0
    assert doubled["faithful"] == 0.5


def test_a_spanning_cell_counts_once() -> None:
    """Its text stands in several slots, and once on the page."""
    grid = Grid(2, 2, (Cell("head", 0, 0, column_span=2), Cell("a", 1, 0), Cell("b", 1, 1)))
    found = scores(grid=grid, label=Label.TABLE, layer="head a b")
    assert found["faithful"] == found["coverage"] == found["filled"] == 1.0


def test_text_that_nobody_could_say() -> None:
    """Letters that fonts do not map, and words without vowels."""
    assert scores("plain English words here")["legible"] == 1.0
    assert scores("\ufffd\ufffd\ufffd plain \ufffd\ufffd")["legible"] < 0.5
    spoken = scores("plain English words " * 20)["spoken"]
    assert spoken > scores("xkcd qqrt zzkw pftw " * 20)["spoken"]


def test_a_layer_over_a_picture_is_not_to_be_seen() -> None:
    """OCR of unknown quality lies there."""
    native = Reading("engine", "some words")
    assert scores("some words", native=native, features={"full_page_image": 1.0})["visible"] == 0.0
    assert scores("some words", native=native)["visible"] == 1.0


def test_what_ocr_says_of_itself() -> None:
    """Mean, low end, and share of sure words; fewer than three words say nothing."""
    words = tuple(Word("word", _BOX, sure) for sure in (0.9, 0.9, 0.9, 0.2))
    found = scores("word word word word", words=words)
    assert found["ocr_mean"] == pytest.approx(0.725)
    assert found["ocr_low"] == 0.2
    assert found["ocr_spread"] == 0.75
    assert "ocr_mean" not in scores("word", words=words[:2])


def test_the_shape_of_a_table() -> None:
    """Full rows, one kind of value a column, two rows and columns at least."""
    good = table(["name", "count"], ["a", "1"], ["b", "2"], ["c", "3"], ["d", "4"])
    assert good["filled"] == good["regular"] == good["proper"] == good["typed"] == 1.0
    holes = table(["name", "count"], ["a"], ["b", "2"], ["c", "x"], ["d", "4"])
    assert holes["filled"] < 1.0
    assert holes["regular"] < 1.0
    assert holes["typed"] < 1.0
    assert table(["alone"])["proper"] == 0.0
    assert scores("no grid", label=Label.TABLE)["proper"] == 0.0


@pytest.mark.parametrize(("total", "holds"), [("6.00", 1.0), ("7.00", 0.0)])
def test_totals_are_sums(total: str, holds: float) -> None:
    """In columns, and in rows where the head of a column says so."""
    down = [["item", "price"], ["a", "1.50"], ["b", "4.50"], ["Total", total]]
    across = [list(column) for column in zip(*down, strict=True)]
    assert table(*down)["sums"] == holds
    assert table(*across)["sums"] == holds


def test_totals_of_parts_and_of_all() -> None:
    """The second total is of all rows or of those since the first."""
    rows = [["a", "1"], ["b", "2"], ["Total", "3"], ["c", "4"], ["d", "5"], ["Total", "9"]]
    assert table(*rows)["sums"] == 1.0


def test_dates_of_the_calendar() -> None:
    """In either order of day and month."""
    assert scores("from 2024-02-29 to 31.12.2024 or 12/31/2024")["dates"] == 1.0
    assert scores("on 2023-02-29")["dates"] == 0.0
    assert "dates" not in scores("no date")


def test_numbers_with_check_digits() -> None:
    """IBANs and cards."""
    assert scores("pay to DE89 3704 0044 0532 0130 00")["checksums"] == 1.0
    assert scores("pay to DE88 3704 0044 0532 0130 00")["checksums"] == 0.0
    assert scores("card 4111-1111-1111-1111")["checksums"] == 1.0
    assert scores("card 4111-1111-1111-1112")["checksums"] == 0.0


@given(st.integers(0, 10**18 - 1), st.integers(1, 9))
def test_one_wrong_digit_is_found(account: int, change: int) -> None:
    """By either rule."""
    body = f"{account:018d}"
    check = 98 - int(body + "131400") % 97
    assert is_iban(f"DE{check:02d}{body}")
    wrong = str((int(body[0]) + change) % 10) + body[1:]
    assert not is_iban(f"DE{check:02d}{wrong}")
    digit = next(digit for digit in "0123456789" if is_luhn(body + digit))
    assert not is_luhn(wrong + digit)


@pytest.mark.parametrize(
    ("language", "text", "holds"),
    [
        ("python", "x = [1]", 1.0),
        ("python 3", "x = [1", 0.0),
        ("json", '{"a": 1}', 1.0),
        ("json", "{a}", 0.0),
    ],
)
def test_code_parses(language: str, text: str, holds: float) -> None:
    """And what does not is no reading at all."""
    found = scores(text, label=Label.CODE, marker=language)
    assert found["code_parses"] == holds
    assert (shipped().predict("code", "engine", found) == 0.0) is (holds == 0.0)
    assert "code_parses" not in scores(text, label=Label.CODE, marker="fortran")
    assert "code_parses" not in scores(text, marker=language)


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{a}{b}",
        r"[0, \infty)",
        r"\begin{matrix} a & b \\ c & d \end{matrix}",
        r"\left( x \right)",
        r"\anything{x}",
        r"\{ x \}",
        r"\int_0^\infty e^{-x}\,dx = 1",
    ],
)
def test_formulas_that_can_be_set(text: str) -> None:
    """Commands that nobody knows here may be known elsewhere."""
    assert scores(text, label=Label.FORMULA)["formula_holds"] == 1.0


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{a}{b",
        r"\alpha}",
        r"\begin{matrix} a",
        r"\begin{matrix} a \end{array}",
        r"\left( x",
        r"\alpha^2^3",
        r"\alpha_",
        r"x = \sqrt",
    ],
)
def test_formulas_that_cannot(text: str) -> None:
    """It proves the reading wrong."""
    found = scores(text, label=Label.FORMULA)
    assert found["formula_holds"] == 0.0
    assert shipped().predict("formula", "engine", found) == 0.0


def test_formulas_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pairs and what does not can be told all the same."""
    monkeypatch.setitem(sys.modules, "latex2mathml", None)
    assert scores(r"\alpha^2^3", label=Label.FORMULA)["formula_holds"] == 1.0
    assert scores(r"\frac{a", label=Label.FORMULA)["formula_holds"] == 0.0


def test_endless_formulas_cost_little() -> None:
    """What nests beyond reading is not thereby wrong."""
    assert scores("\\x" + "{" * 2_000 + "}" * 2_000, label=Label.FORMULA)["formula_holds"] == 1.0
    assert "formula_holds" not in scores("\\x" * 5_000, label=Label.FORMULA)


def test_the_total_of_a_receipt() -> None:
    """Read for sure, said again, and what was paid less the change."""
    text = "TOTAL 12.00\nCASH 20.00\nCHANGE 8.00\nVISA 12.00"
    words = tuple(Word(word, _BOX, 0.9) for word in text.split())
    found = scores(text, words=words)
    assert found["total_read"] == 0.9
    assert found["total_repeated"] == found["total_paid"] == 1.0
    assert "total_read" not in scores("a letter", words=words[:2])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234", "1234"),
        ("1,5", "1.5"),
        ("(2.00)", "-2.00"),
        ("-3", "-3"),
        ("$ 1'000", "1000"),
        ("none", None),
        ("1" * 40, None),
    ],
)
def test_numbers_as_people_write_them(text: str, value: str | None) -> None:
    """With either kind of decimal sign."""
    assert (None if (found := number(text)) is None else str(found)) == value


_TEXTS = st.text(max_size=60) | st.from_regex(r"[\\{}a-z_^&0-9., ]{0,60}", fullmatch=True)
_GRIDS = st.lists(st.lists(_TEXTS, max_size=4), max_size=4).map(grid_of)


@given(_TEXTS, st.none() | _GRIDS, st.sampled_from(Label), _TEXTS, _TEXTS)
def test_scores_of_anything_are_shares(
    text: str, grid: Grid | None, label: Label, layer: str, other: str
) -> None:
    """Whatever is claimed: nothing raises, scores lie in [0, 1], and so does the confidence."""
    found = scores(
        text,
        grid=grid,
        label=label,
        layer=layer,
        marker="python",
        others=(Reading("other", other, grid),),
        words=(Word(text, _BOX, 0.5),) * 3,
    )
    assert all(0.0 <= score <= 1.0 for score in found.values())
    assert 0.0 <= shipped().predict("text", "parser", found) <= 1.0


@given(_TEXTS, _TEXTS)
def test_likeness_knows_no_order(first: str, second: str) -> None:
    """It is the same both ways, and a text is like itself."""
    assert text_likeness(first, second) == text_likeness(second, first)
    assert text_likeness(first, first) in (None, 1.0)


@given(_GRIDS, _GRIDS)
def test_likeness_of_tables_knows_no_order(first: Grid, second: Grid) -> None:
    """As above."""
    assert relation_f1(first, second) == relation_f1(second, first)
    assert relation_f1(first, first) == 1.0
