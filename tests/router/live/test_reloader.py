"""Changes of the configuration: all or nothing, one at a time, and kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.config import ConfigError
from router.errors import ConfigChanged, ConfigRefused, InvalidRequest, RoutingError, UnknownVersion
from router.live.config_file import etag_of
from router.live.reloader import Terms
from tests.router.live.conftest import NOW_S, House, text, tier

BY = Terms("key 1")
TWO = text(tier("edge", "two"))


async def test_a_broken_file_changes_nothing_and_says_why(house: House) -> None:
    """The error has file, line and key; service and ETag stay."""
    etag = house.reloader.served.etag
    house.path.write_text(TWO.replace("reply", "replly"))
    with pytest.raises(ConfigError, match=r"upshift.yaml:6:.*replly"):
        await house.reloader.reload(BY)
    assert (await house.answer(), house.reloader.served.etag) == ("one", etag)
    assert house.reloader.failure_count == 1
    assert house.versions.all() == ()


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"server": {"listen": "127.0.0.1:1"}}, "server.listen"),
        ({"journal": {"path": "j.sqlite"}}, "journal.path"),
        ({"auth": {"keys": "keys.json"}}, "auth.keys"),
    ],
)
async def test_what_needs_a_restart_is_refused_by_its_key(house: House, section: Any, key: str) -> None:
    """Nothing is half done, and the operator knows what to put back."""
    house.path.write_text(text(tier("edge", "two"), **section))
    with pytest.raises(ConfigRefused, match=rf"^{key}: cannot change while the server runs") as caught:
        await house.reloader.reload(BY)
    assert caught.value.reason == "RESTART_NEEDED"
    assert await house.answer() == "one"


async def test_what_was_learnt_must_be_sound(house: House, tmp_path: Path) -> None:
    """A file that cannot be trusted is refused before anything is swapped."""
    (tmp_path / "learnt.json").write_text("{}")
    house.path.write_text(text(tier("edge", "two"), learnt="learnt.json"))
    with pytest.raises(ConfigRefused) as caught:
        await house.reloader.reload(BY)
    assert caught.value.reason == "CONFIG_NOT_LOADED"
    assert await house.answer() == "one"


async def test_an_update_is_served_and_written(house: House) -> None:
    """The file says afterwards what is served."""
    change = await house.reloader.update(TWO, Terms("key 1", if_match=house.reloader.served.etag))
    assert (await house.answer(), house.path.read_text(), change.etag) == ("two", TWO, etag_of(TWO))


@pytest.mark.parametrize("verb", ["reload", "update", "rollback"])
async def test_a_stale_etag_is_refused(house: House, verb: str) -> None:
    """Nobody overwrites what they have not seen."""
    first = {"update": (TWO,), "rollback": (None,), "reload": ()}[verb]
    with pytest.raises(ConfigChanged, match=house.reloader.served.etag):
        await getattr(house.reloader, verb)(*first, Terms("key 1", if_match="0" * 32))


async def test_a_file_changed_by_hand_is_not_overwritten(house: House) -> None:
    """Whoever edits the file has not reloaded it yet; their work is kept."""
    house.path.write_text(text(tier("edge", "three")))
    with pytest.raises(ConfigRefused) as caught:
        await house.reloader.update(TWO, BY)
    assert caught.value.reason == "FILE_CHANGED"
    assert "three" in house.path.read_text()


async def test_a_file_that_cannot_be_written_changes_nothing(house: House) -> None:
    """What is served and what is written never differ by an update."""
    house.reloader._file.path = house.path.parent / "gone" / "upshift.yaml"
    house.reloader._file.read_text = house.path.read_text  # type: ignore[method-assign]
    with pytest.raises(ConfigRefused) as caught:
        await house.reloader.update(TWO, BY)
    assert caught.value.reason == "FILE_NOT_WRITTEN"
    assert (await house.answer(), house.core.exchange_count) == ("one", 0)


async def test_a_masked_secret_is_not_taken_for_one(house: House) -> None:
    """What was shown redacted cannot be sent back as it is."""
    masked = TWO + 'ledger: {url: "postgresql://***@host/db"}\n'
    with pytest.raises(InvalidRequest, match=r"ledger.url.*write a reference"):
        await house.reloader.update(masked, BY)


@pytest.mark.parametrize(
    "content",
    ["&a [*a]", "a: &a [1, 2]\nb: &b [*a, *a]\nc: [*b, *b]\n", "\x00", "{" * 5000, "a: !!python/none"],
)
async def test_hostile_content_is_a_wrong_configuration(house: House, content: str) -> None:
    """Texts that contain themselves, that grow, that no parser likes."""
    with pytest.raises(ConfigError):
        await house.reloader.update(content, BY)
    assert await house.answer() == "one"


async def test_versions_are_kept_and_rolled_back_to(house: House) -> None:
    """A rollback is a change like any other; the one after it goes back again."""
    first = house.path.read_text()
    await house.reloader.update(TWO, BY)
    back = await house.reloader.rollback(None, BY)
    assert (await house.answer(), house.path.read_text()) == ("one", first)
    assert [(v.number, v.origin, v.by) for v in house.versions.all()] == [
        (1, "served before", "-"),
        (2, "update", "key 1"),
        (3, "rollback to 1", "key 1"),
    ]
    assert back.version == 3
    assert house.versions.all()[2].time_s == NOW_S
    await house.reloader.rollback(2, BY)
    assert await house.answer() == "two"


async def test_a_rollback_helps_out_of_a_broken_file(house: House) -> None:
    """What was in it is kept as a version, for whoever wrote it."""
    first = house.path.read_text()
    await house.reloader.update(TWO, BY)
    house.path.write_text("broken: [")
    await house.reloader.rollback(None, BY)
    assert (await house.answer(), house.path.read_text()) == ("one", first)
    assert [(v.origin, v.text == "broken: [") for v in house.versions.all()][2:] == [
        ("found in the file", True),
        ("served before", False),
        ("rollback to 1", False),
    ]


async def test_there_may_be_nothing_to_roll_back_to(house: House) -> None:
    """Then nothing changes."""
    for number in (None, 7):
        with pytest.raises(UnknownVersion):
            await house.reloader.rollback(number, BY)


async def test_a_caller_who_leaves_does_not_stop_a_change_half_way(house: House) -> None:
    """It is carried out to its end, and the next one waits for it."""
    asking = asyncio.create_task(house.reloader.update(TWO, BY))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await house.reloader.rollback(None, BY)
    assert [version.origin for version in house.versions.all()] == [
        "served before",
        "update",
        "rollback to 1",
    ]


async def test_changes_at_once_happen_one_after_the_other(house: House) -> None:
    """Of two with the same ETag one wins, and the other is told."""
    etag = house.reloader.served.etag
    texts = (TWO, text(tier("edge", "three")))
    updates = (house.reloader.update(written, Terms("a", if_match=etag)) for written in texts)
    outcomes = await asyncio.gather(*updates, return_exceptions=True)
    assert [isinstance(outcome, RoutingError) for outcome in outcomes] == [False, True]
    assert await house.answer() == "two"
