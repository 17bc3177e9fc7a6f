"""``upshift models`` on mixtures of experts: the shipped pocket model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.router.cli.conftest import Run

LOCAL = Path(__file__).parents[3] / "examples" / "pocket" / "weights" / "local"


@pytest.fixture
def store(upshift: Run, tmp_path: Path) -> Path:
    """The pocket model's experts in 4 bits."""
    words = ("--weights", "int4", "--cache-dir", str(tmp_path), "--json")
    found = upshift("models", "convert", str(LOCAL), *words).json
    assert (found["layer_count"], found["expert_count"], found["was_there"]) == (6, 8, False)
    return Path(found["path"])


def test_converting_twice_does_it_once(upshift: Run, store: Path) -> None:
    """The second time says that it was there."""
    stamp = store.stat().st_mtime_ns
    ended = upshift("models", "convert", str(LOCAL), "--weights", "int4", "--cache-dir", str(store.parent))
    assert ended.code == 0
    assert "48 rows" in ended.out
    assert "was there already" in ended.out
    assert store.stat().st_mtime_ns == stamp


def test_inspect_says_what_experts_take_and_give(upshift: Run, store: Path) -> None:
    """Rows, bytes and a bound for each residency, which grows with it; and where the store is."""
    found = upshift("models", "inspect", str(LOCAL), "--cache-dir", str(store.parent), "--json").json
    exact, int4 = found["stores"]
    assert exact["path"] is None
    assert int4["path"] == str(store)
    assert 3 * int4["byte_count"] < exact["byte_count"] == 48 * exact["row_byte_count"]
    bounds = [speed["tokens_per_second_bound"] for speed in int4["speeds"]]
    assert 0 < bounds[0] < bounds[1] < bounds[2]
    assert [speed["slot_count"] for speed in int4["speeds"]] == [2, 4, 8]


def test_inspect_shows_people_a_table(upshift: Run, store: Path) -> None:
    """What is measured and what is a bound are called so."""
    ended = upshift("models", "inspect", str(LOCAL), "--cache-dir", str(store.parent))
    assert ended.code == 0
    for words in ("6 layers x 8", "measured now", "tokens/s at most", "not converted yet", str(store)):
        assert words in ended.out


def test_inspecting_a_store_checks_every_row(upshift: Run, store: Path) -> None:
    """One flipped bit ends with the expert's name, and the file is gone."""
    assert "every row is as it was written" in upshift("models", "inspect", str(store)).out
    content = bytearray(store.read_bytes())
    content[-5000] ^= 1
    store.write_bytes(content)
    ended = upshift("models", "inspect", str(store))
    assert ended.code == 3
    assert "expert 7 of layer 5" in ended.err
    assert not store.exists()


def test_a_dense_model_has_no_experts(upshift: Run, tiny_gguf: Path, tmp_path: Path) -> None:
    """The error says that there is nothing to offload."""
    ended = upshift("models", "convert", str(tiny_gguf.parent), "--cache-dir", str(tmp_path / "stores"))
    assert ended.code == 3
    assert "is not a mixture of experts" in ended.err


def test_numbers_that_do_not_exist_are_refused(upshift: Run) -> None:
    """The option and what it may be."""
    ended = upshift("models", "convert", str(LOCAL), "--weights", "int3")
    assert ended.code == 2
    assert "'exact' or 'int4'" in ended.err
