"""What a failing server becomes: one error for each way to fail, without the server's own words."""

import string
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.http import error_of, retry_after_s, translated
from backends.provider_codes import error_named

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Unavailable),
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, Refused),
        (408, TimedOut),
        (429, Overloaded),
        (500, Unavailable),
        (503, Unavailable),
        (504, TimedOut),
        (529, Overloaded),
    ],
)
def test_every_status_has_its_error(status: int, error: type[BackendError]) -> None:
    """The status decides, and the message names it."""
    result = error_of(status, b"", None, "server")
    assert type(result) is error
    assert str(status) in str(result)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": "context_length_exceeded"}}',
        b'{"error": {"message": "This model\'s maximum context length is 8192 tokens"}}',
        b'{"detail": "the prompt is too long: 9000 tokens"}',
    ],
)
def test_recognises_a_prompt_that_does_not_fit(body: bytes) -> None:
    """A 400 that speaks of the context is ContextTooLong: a larger tier may take the request."""
    assert isinstance(error_of(400, body, None, "server"), ContextTooLong)


def test_repeats_codes_but_no_text_of_the_server() -> None:
    """A server's message may hold the prompt; only its short code is kept."""
    body = b'{"error": {"message": "bad: my secret prompt", "code": "invalid_api_key"}}'
    message = str(error_of(401, body, None, "server"))
    assert "invalid_api_key" in message
    assert "secret" not in message


def test_a_busy_server_says_when_to_come_back() -> None:
    """503 with Retry-After is Overloaded, as 429 is."""
    error = error_of(503, b"", "7", "server")
    assert isinstance(error, Overloaded)
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("12", 12.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_reads_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds or an HTTP date, never negative; nonsense is as good as nothing."""
    assert retry_after_s(value, now=NOW) == seconds


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    """Whatever a server writes, the wait is between none and a day."""
    seconds = retry_after_s(value, now=NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@pytest.mark.parametrize("value", ["inf", "1e999", "9" * 400, "Mon, 1 Jan 9999 00:00:00 -9999", "nan"])
def test_a_wait_beyond_reason_is_cut(value: str) -> None:
    """Nobody waits longer than a day, and no number breaks the reading."""
    seconds = retry_after_s(value, now=NOW)
    assert seconds is None or seconds <= 86_400


@given(st.text(max_size=20) | st.integers(), st.integers(300, 599), st.binary(max_size=60))
def test_any_failure_has_a_type_and_a_plain_message(code: str | int, status: int, body: bytes) -> None:
    """Codes, statuses and bodies of any kind make an error whose text is short and printable."""
    for error in (error_named(code, "server"), error_of(status, body, None, "server")):
        assert isinstance(error, BackendError)
        assert str(error).isprintable()
        assert len(str(error)) < 250


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), httpx.ReadError("x")],
)
def test_everything_that_httpx_raises_is_unavailable(error: httpx.HTTPError) -> None:
    """Connection failures name the server and keep their cause."""
    with pytest.raises(Unavailable, match=r"^host:1 ") as caught, translated("host:1"):
        raise error
    assert caught.value.__cause__ is error
