"""``upshift evaluate``: from a file to figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.outcomes import write_outcomes
from tests.policies.ladder import records
from tests.router.cli.conftest import Run

LADDER = ("--ladder", "edge,frontier", "--cost", ".1,1", "--resamples", "20")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two files of made-up outcomes."""
    folder = tmp_path_factory.mktemp("outcomes")
    write_outcomes(records(120, seed=1), folder / "old.jsonl.gz")
    write_outcomes(records(60, seed=2), folder / "new.jsonl")
    return folder


def test_figures_for_machines(upshift: Run, files: Path) -> None:
    """One JSON object, the policies that were asked for, progress elsewhere."""
    ended = upshift(
        "evaluate", str(files / "old.jsonl.gz"), *LADDER, "--folds", "3", "--policy", "routing", "--json"
    )
    assert ended.code == 0
    assert list(ended.json["policies"]) == ["routing"]
    assert ended.json["record_count"] == 120


def test_one_file_fits_and_the_other_judges(upshift: Run, files: Path) -> None:
    """And a picture is drawn."""
    pytest.importorskip("matplotlib")
    both = ("--train", str(files / "old.jsonl.gz"), "--test", str(files / "new.jsonl"))
    picture = files / "curve.png"
    ended = upshift("evaluate", *both, *LADDER, "--plot", str(picture))
    assert ended.code == 0
    assert "60 records" in ended.out
    assert "cascade routing" in ended.out
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "give a FILE, or both --train and --test"),
        (("--train", "x"), "give a FILE, or both --train and --test"),
        (("OLD", "--cost", "a,b"), "--cost takes numbers"),
        (("OLD", "--cost", "-1,2"), "--cost takes numbers from 0"),
        (("OLD", "--policy", "magic"), "no policy 'magic'"),
        (("OLD", "--ladder", "edge,moon", "--cost", "1,2"), "no record has an outcome of 'moon'"),
        (("OLD", "--ladder", "edge,frontier"), "no cost_usd"),
    ],
)
def test_what_is_asked_wrongly(upshift: Run, files: Path, words: tuple[str, ...], complaint: str) -> None:
    """Exit code 2 and one sentence."""
    ended = upshift("evaluate", *(str(files / "old.jsonl.gz") if word == "OLD" else word for word in words))
    assert ended.code == 2
    assert complaint in ended.err


def test_too_few_records_to_fit_on(upshift: Run, tmp_path: Path) -> None:
    """It says how many are left."""
    write_outcomes(records(24, seed=1), tmp_path / "few.jsonl")
    ended = upshift("evaluate", str(tmp_path / "few.jsonl"), *LADDER, "--folds", "3")
    assert ended.code == 2
    assert "16 records are left to fit on" in ended.err


def test_a_broken_file_is_told_by_its_line(upshift: Run, tmp_path: Path) -> None:
    """For programs too."""
    (tmp_path / "bad.jsonl").write_text('{"prompt": "?"}\n')
    ended = upshift("evaluate", str(tmp_path / "bad.jsonl"), *LADDER, "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (2, "OUTCOMES_INVALID")
    assert "bad.jsonl:1: outcomes" in ended.json["error"]["message"]
