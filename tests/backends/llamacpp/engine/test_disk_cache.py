"""States in files: whole or not there, within a limit, and never taken for what they are not."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backends.errors import Unavailable
from backends.llamacpp.engine.disk_cache import DiskCache
from backends.llamacpp.engine.engine import Engine
from backends.llamacpp.engine.slots import State
from tests.backends.llamacpp.engine.driving import ask, work

LAYOUT, OTHER = "a" * 64, "b" * 64
TOKENS = list(range(40))
MIB = 2**20
Opened = Callable[..., Engine]
SYSTEM = [5 + i * 7 % 240 for i in range(100)]


def state(number: int, byte_count: int = 1000) -> State:
    return np.full(byte_count, number, np.uint8)


def kept(folder: Path, *states: tuple[list[int], State], layout: str = LAYOUT, limit: int = MIB) -> DiskCache:
    """A cache in ``folder`` that has been written to, closed and opened again."""
    cache = DiskCache.open(folder, layout, limit)
    for tokens, each in states:
        cache.keep(tokens, each, None)
        cache.close()  # waits until it is written
        cache = DiskCache.open(folder, layout, limit)
    return cache


def test_a_state_outlives_the_process(tmp_path: Path) -> None:
    """It is found by any text that shares a beginning with it, and its bytes are those that were kept."""
    match = kept(tmp_path, (TOKENS, state(7))).longer([*TOKENS[:30], 99], None, than=0)
    assert match is not None
    assert (match.length, match.whole_length) == (30, 40)
    assert np.array_equal(match.state, state(7))


def test_another_layout_or_adapter_finds_nothing(tmp_path: Path) -> None:
    """In the same folder."""
    cache = kept(tmp_path, (TOKENS, state(7)))
    assert cache.longer(TOKENS, "adapter", than=0) is None
    assert DiskCache.open(tmp_path, OTHER, MIB).longer(TOKENS, None, than=0) is None


def test_only_what_is_longer_is_read(tmp_path: Path) -> None:
    """Than what is known already."""
    cache = kept(tmp_path, (TOKENS, state(7)))
    assert cache.longer(TOKENS, None, than=40) is None
    assert cache.longer(TOKENS, None, than=39) is not None


def test_a_longer_state_replaces_its_beginnings(tmp_path: Path) -> None:
    """A conversation leaves one file."""
    cache = kept(tmp_path, (TOKENS[:20], state(1)), (TOKENS, state(2)), ([7, 8, 9], state(3)))
    assert len(list(tmp_path.iterdir())) == 2
    match = cache.longer(TOKENS, None, than=0)
    assert match is not None
    assert match.whole_length == 40


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    """Also those of other layouts; what alone is too large is not kept."""
    texts = [[i] * 20 for i in range(5)]
    kept(tmp_path, (texts[0], state(0)), layout=OTHER).close()
    cache = kept(tmp_path, (texts[1], state(1)), (texts[2], state(2)))
    for age, path in enumerate(sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)):
        os.utime(path, (age, age))
    assert cache.longer(texts[1], None, than=0) is not None  # used: it stays
    cache.close()
    cache = kept(tmp_path, (texts[3], state(3)), (texts[4], state(4, MIB)), limit=3500)
    found = [cache.longer(text, None, than=0) is not None for text in texts]
    assert found == [False, True, False, True, False]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3500


@pytest.mark.parametrize("damage", ["cut", "flipped", "header", "empty", "longer"])
def test_a_broken_file_is_deleted_and_told(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever happened to it; others are found as ever."""
    kept(tmp_path, (TOKENS, state(7)), ([9, 9, 9], state(8))).close()
    path = max(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-100],
            "flipped": data[:-5] + b"x" + data[-4:],
            "header": b"{[" * 500 + data,
            "empty": b"",
            "longer": data + b"more",
        }[damage]
    )
    with caplog.at_level(logging.WARNING):
        cache = DiskCache.open(tmp_path, LAYOUT, MIB)
        assert cache.longer(TOKENS, None, than=0) is None
    assert cache.longer([9, 9, 9], None, than=0) is not None
    assert not path.exists()
    assert path.name in caplog.text


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    """And do not count."""
    (tmp_path / "notes.txt").write_text("mine")
    kept(tmp_path, (TOKENS, state(7)))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_a_killed_process_left_is_cleared_up(tmp_path: Path) -> None:
    """A file that was being written an hour ago; one that is being written now stays."""
    old, new = tmp_path / "old.1.part", tmp_path / "new.2.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    DiskCache.open(tmp_path, LAYOUT, MIB).close()
    assert not old.exists()
    assert new.exists()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """Prompts lie there."""
    folder = tmp_path / "new"
    kept(folder, (TOKENS, state(7)))
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_a_full_disk_loses_the_state_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, no half file stays, and the next state is kept again."""
    cache = DiskCache.open(tmp_path, LAYOUT, MIB)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(Path, "replace", fails)
        cache.keep(TOKENS, state(7), None)
        cache.close()
    assert "No space left" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    """With the option that names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="prefix_cache_path"):
        DiskCache.open(tmp_path / "file", LAYOUT, MIB)


def test_an_engine_takes_up_what_another_has_read(opened: Opened, tmp_path: Path) -> None:
    """After a restart with equal options: 99 of 100 tokens are known, and the answer is the same."""
    options = {"prefix_cache_mib": 8, "prefix_cache_path": str(tmp_path)}
    first = opened(**options)
    expected = ask(first, work(1, SYSTEM, 12))[1]
    first.close()
    again = ask(opened(**options), work(2, SYSTEM, 12))[2]
    assert again.began[0].cached_token_count == 99
    assert again.tokens == expected.tokens


@pytest.mark.parametrize(
    "change", [{"key_cache_type": "f32"}, {"flash_attention": True}, {"sha256": "0" * 64}]
)
def test_an_engine_of_another_layout_does_not(
    opened: Opened, tmp_path: Path, change: dict[str, object]
) -> None:
    """Other number formats, another way to compute, another model: it reads for itself."""
    first = opened(prefix_cache_path=str(tmp_path))
    ask(first, work(1, SYSTEM, 12))
    first.close()
    again = ask(opened(prefix_cache_path=str(tmp_path), **change), work(2, SYSTEM, 12))[2]
    assert again.began[0].cached_token_count == 0
    assert len(again.tokens) == 12


def test_adapters_have_states_of_their_own_there(
    opened: Opened, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    """Told apart by their contents, not by their names."""
    names = dict(zip("xy", adapters, strict=True))
    options = {name: {"path": str(path)} for name, path in names.items()}
    first = opened(prefix_cache_path=str(tmp_path), adapters=options)
    expected = ask(first, work(1, SYSTEM, 12, adapter="x"))[1]
    first.close()
    swapped = {"x": options["y"], "y": options["x"]}
    second = opened(prefix_cache_path=str(tmp_path), adapters=swapped)
    assert ask(second, work(2, SYSTEM, 12, adapter="x"))[2].began[0].cached_token_count == 0
    again = ask(second, work(3, SYSTEM, 12, adapter="y"))[3]
    assert again.began[0].cached_token_count == 99
    assert again.tokens == expected.tokens
