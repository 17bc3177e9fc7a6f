"""Keys: where they come from, and that they never show."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from backends.api_key import ApiKey
from backends.errors import BackendError, Unavailable
from backends.http_options import HttpOptions
from tests.backends.dialects import DIALECTS, connected, read, sends, text_of
from tests.chat_server import respond, serve

SECRET = "sk-verysecret-0123456789"


def test_a_key_in_a_file_is_read_when_it_changes(tmp_path: Path) -> None:
    """A new key counts from the next request on, and white space around it does not."""
    file = tmp_path / "key"
    file.write_text("first\n")
    key = ApiKey(None, str(file))
    assert key.current() == "first"
    file.write_text("the second one\n")
    assert key.current() == "the second one"


def test_a_file_that_is_gone_for_a_moment_leaves_the_key(tmp_path: Path) -> None:
    """Whoever rotates keys may remove the old file before the new one is there."""
    file = tmp_path / "key"
    file.write_text("first")
    key = ApiKey(None, str(file))
    key.current()
    file.unlink()
    assert key.current() == "first"


@pytest.mark.parametrize("content", [b"", b"  \n", b"two\nlines", b"caf\xc3\xa9", b"x" * 20_000])
def test_a_file_that_holds_no_key_is_named_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    """A key is one line of ASCII; a header takes nothing else."""
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(Unavailable, match=r"/key ") as caught:
        ApiKey(None, str(file)).current()
    assert "lines" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_file_is_unavailable(tmp_path: Path) -> None:
    """The tier is down until the file is there."""
    with pytest.raises(Unavailable, match="No such file"):
        ApiKey(None, str(tmp_path / "key")).current()


def test_no_key_is_none() -> None:
    """A server without keys gets none."""
    assert ApiKey(None, None).current() is None


def test_two_keys_are_one_too_many(tmp_path: Path) -> None:
    """Which of two would hold cannot be guessed."""
    with pytest.raises(ValidationError, match="both api_key and api_key_file") as caught:
        HttpOptions.model_validate(
            {"base_url": "http://h", "model": "m", "api_key": SECRET, "api_key_file": str(tmp_path)}
        )
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "500 Internal Server Error"])
async def test_a_key_shows_nowhere(name: str, status: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not in logs down to debug, not in errors and their causes, not in the repr of anything at hand."""
    caplog.set_level(logging.DEBUG)
    heads: list[str] = []

    async def refuses(_: dict[str, Any], writer: Any) -> None:
        respond(writer, status, {"error": {"message": SECRET, "code": "no"}})

    shown = ""
    script = sends(DIALECTS[name].answer("yes")) if status == "200 OK" else refuses
    async with (
        serve(script, heads=heads) as url,
        connected(
            name, script, base_url=url, api_key=SecretStr(SECRET), headers={"x-other": SECRET[::-1]}
        ) as backend,
    ):
        try:
            assert text_of(await read(backend)) == "yes"
        except BackendError as error:
            shown += "".join(traceback.format_exception(error)) + repr(error.__dict__)
        assert backend._client is not None
        held = (backend._client.client, backend._client.post)
        shown += repr((backend, backend.options, vars(backend), held, [vars(part) for part in held]))
        shown += str(backend.options.model_dump(mode="json"))
    assert SECRET in heads[0]
    assert SECRET not in shown + caplog.text
    assert SECRET[::-1] not in shown + caplog.text


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_rotated_key_is_used_without_a_restart(name: str, tmp_path: Path) -> None:
    """The file is looked at for every request."""
    file, heads = tmp_path / "key", list[str]()
    script = sends(DIALECTS[name].answer("yes"))
    file.write_text("old-key")
    async with (
        serve(script, heads=heads) as url,
        connected(name, script, base_url=url, api_key_file=str(file)) as backend,
    ):
        await read(backend)
        file.write_text("newer-key")
        await read(backend)
    assert "old-key" in heads[0]
    assert "newer-key" in heads[1]
