"""Providers that fail in every way: each ends in a typed error in time, or in the right answer."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from backends.errors import BackendError, Overloaded, Refused, TimedOut, Unavailable
from backends.types import Completion, Prompt, Sampling
from tests.backends.dialects import DIALECTS, PROMPT, Dialect, connected, read, sends, text_of
from tests.backends.leaks import nothing_left
from tests.chat_server import STREAM_HEAD, Script, respond, serve

Fault = Callable[[Dialect], Script]
CHUNKED_HEAD = STREAM_HEAD.replace(b"connection: close", b"transfer-encoding: chunked")


@pytest.fixture(params=[*DIALECTS, "openai_chat+httpx"])
def name(request: pytest.FixtureRequest) -> str:
    """Every API over the transport that is used where it can be, and one over the other."""
    return str(request.param)


@pytest.fixture(autouse=True)
async def _leaves_nothing() -> AsyncIterator[None]:
    async with nothing_left():
        yield


def writes(*pieces: bytes, then: Callable[[asyncio.StreamWriter], Any] | None = None) -> Script:
    """A server that writes ``pieces`` as they are, and then does as told."""

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(pieces))
        await writer.drain()
        if then is not None:
            await then(writer)

    return script


def dialect_of(name: str) -> Dialect:
    """The API of a name that may hold a transport's too."""
    return DIALECTS[name.partition("+")[0]]


async def resets(writer: asyncio.StreamWriter) -> None:
    """Break the connection off."""
    writer.transport.abort()


async def hangs(_: asyncio.StreamWriter) -> None:
    """Do nothing for longer than anybody waits."""
    await asyncio.Event().wait()


def half(dialect: Dialect) -> bytes:
    """The head and half of an answer."""
    return STREAM_HEAD + dialect.begin + dialect.text("half ")


FAULTS: dict[str, tuple[Fault, type[BackendError]]] = {
    "resets_before_the_head": (lambda _: writes(then=resets), Unavailable),
    "resets_after_the_head": (lambda _: writes(STREAM_HEAD, then=resets), Unavailable),
    "resets_after_text": (lambda d: writes(half(d), then=resets), Unavailable),
    "closes_at_once": (lambda _: writes(), Unavailable),
    "stalls_before_the_head": (lambda _: writes(then=hangs), Unavailable),
    "stalls_within_the_head": (lambda _: writes(STREAM_HEAD[:20], then=hangs), Unavailable),
    "stalls_after_the_head": (lambda _: writes(STREAM_HEAD, then=hangs), Unavailable),
    "stalls_after_text": (lambda d: writes(half(d), then=hangs), Unavailable),
    "ends_too_early": (lambda d: writes(half(d)), Unavailable),
    "ends_within_an_event": (lambda d: writes(half(d) + d.text("more")[:-9]), Unavailable),
    "ends_within_a_chunk": (lambda d: writes(CHUNKED_HEAD + b"ff\r\n" + d.text("x")), Unavailable),
    "sends_a_bad_chunk_size": (lambda d: writes(CHUNKED_HEAD + b"zz\r\n" + d.text("x")), Unavailable),
    "sends_no_json": (lambda d: sends(d.begin, b"data: {not json\n\n"), Unavailable),
    "sends_other_json": (lambda d: sends(d.begin, b'data: [{"a": 1}]\n\n'), Unavailable),
    "sends_deep_json": (lambda d: sends(d.begin, b"data: " + b"[" * 99_999 + b"\n\n"), Unavailable),
    "sends_an_endless_event": (lambda d: sends(d.begin, b"data: " + b"x" * (3 << 20)), Unavailable),
    "sends_an_endless_head": (lambda _: writes(b"HTTP/1.1 200 OK\r\nx: " + b"x" * (1 << 20)), Unavailable),
    "sends_no_http": (lambda _: writes(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), Unavailable),
    "sends_html": (
        lambda _: writes(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 3\r\n\r\nhi!"),
        Unavailable,
    ),
    "compresses": (
        lambda d: writes(
            STREAM_HEAD[:-2] + b"content-encoding: gzip\r\n\r\n" + gzip.compress(d.answer("hello"))
        ),
        Unavailable,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_is_a_typed_error(name: str, fault: str) -> None:
    """Whatever a server does, the stream raises the one error that fits, without the server's own words."""
    make, kind = FAULTS[fault]
    async with connected(name, make(dialect_of(name))) as backend:
        with pytest.raises(kind) as caught:
            await read(backend)
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "retry_after_s"),
    [
        ("429 Too Many Requests", ("retry-after: 3",), Overloaded, 3.0),
        ("429 Too Many Requests", (), Overloaded, None),
        ("503 Service Unavailable", ("retry-after: 2",), Overloaded, 2.0),
        ("503 Service Unavailable", (), Unavailable, None),
        ("500 Internal Server Error", ("retry-after: 4",), Unavailable, 4.0),
        ("502 Bad Gateway", (), Unavailable, None),
        ("529 Overloaded", ("retry-after: soon",), Overloaded, None),
    ],
)
async def test_a_busy_or_broken_server_says_when(
    name: str, status: str, headers: tuple[str, ...], kind: type[Unavailable], retry_after_s: float | None
) -> None:
    """The status makes the error, and it carries what Retry-After says."""

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        respond(writer, status, {"error": {"message": "a secret prompt"}}, *headers)

    async with connected(name, script) as backend:
        with pytest.raises(kind) as caught:
            await read(backend)
    assert (type(caught.value), caught.value.retry_after_s) == (kind, retry_after_s)


@pytest.mark.parametrize("pause_s", [None, 0.001, 0.0])
async def test_the_deadline_ends_what_does_not_end(name: str, pause_s: float | None) -> None:
    """A server that hangs, drips or floods past the deadline raises TimedOut with what it wrote."""
    dialect = dialect_of(name)

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(half(dialect))
        while pause_s is not None:
            writer.write(dialect.text("more "))
            await writer.drain()
            await asyncio.sleep(pause_s)
        await hangs(writer)

    async with connected(name, script, read_timeout_s=30.0, max_output_token_count=1 << 20) as backend:
        with pytest.raises(TimedOut) as caught:
            await read(backend, timeout_s=0.1)
    assert caught.value.usage.output_token_count > 0


async def test_a_flood_ends_without_a_deadline_too(name: str) -> None:
    """More bytes than the answer that was asked for can have are too many."""
    dialect = dialect_of(name)

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + dialect.begin)
        while True:
            writer.write(dialect.text("more " * 10_000))
            await writer.drain()

    async with connected(name, script) as backend:
        with pytest.raises(Unavailable, match="more than was asked for"):
            await read(backend, Prompt(PROMPT.messages, Sampling(max_output_token_count=1)), timeout_s=None)


async def test_an_old_server_that_closes_is_understood(name: str) -> None:
    """HTTP/1.0 without a length ends where the connection does."""
    head = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with connected(name, writes(head + dialect_of(name).answer("all", " right"))) as backend:
        assert text_of(await read(backend)) == "all right"


async def test_a_stall_behind_the_end_does_not_matter(name: str) -> None:
    """An answer that is complete is complete, though the server keeps the connection open."""
    async with connected(name, writes(STREAM_HEAD + dialect_of(name).answer("done"), then=hangs)) as backend:
        assert text_of(await read(backend)) == "done"


async def test_a_usage_that_comes_twice_counts_once(name: str) -> None:
    """The last account is the account."""
    dialect = dialect_of(name)
    pieces = (dialect.begin, dialect.text("x"), dialect.end(3), dialect.end(3))
    async with connected(name, sends(*pieces)) as backend:
        completion = (await read(backend))[-1]
    assert isinstance(completion, Completion)
    assert completion.usage.output_token_count == 3


async def test_a_redirect_is_not_followed(name: str) -> None:
    """Neither key nor prompt goes to where a server points."""
    seen: list[str] = []
    async with serve(sends(dialect_of(name).answer("stolen")), heads=seen) as elsewhere:

        async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
            respond(writer, "307 Temporary Redirect", {}, f"location: {elsewhere}/messages")

        async with connected(name, script, api_key="sk-secret") as backend:
            with pytest.raises(Unavailable, match="redirects are not followed"):
                await read(backend)
    assert seen == []


async def test_leaving_closes_the_connection(name: str) -> None:
    """A caller that cancels is seen by the server as the end of the connection, at once."""
    dialect, gone = dialect_of(name), asyncio.Event()

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(half(dialect))
        try:
            await hangs(writer)
        finally:
            gone.set()

    async with connected(name, script, read_timeout_s=30.0) as backend:
        stream = backend.stream(PROMPT)
        await anext(stream)
        waiting = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(10.0):
            await gone.wait()


async def test_a_server_that_is_down_is_unavailable(name: str) -> None:
    """No connection, no answer."""
    async with connected(name, sends()) as backend:
        pass
    await backend.start()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await read(backend)
    await backend.close()


async def test_a_slow_start_is_cut(name: str) -> None:
    """The checks at start have a limit of their own, body included."""
    with pytest.raises(TimedOut, match="checks at start"):
        async with connected(
            name, writes(then=hangs), start_check=True, start_timeout_s=0.05, read_timeout_s=30.0
        ):
            pass


async def test_a_connection_serves_again(name: str) -> None:
    """An answer that was read to its end leaves its connection for the next one."""
    answer = dialect_of(name).answer("yes")
    connection_count = 0

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connection_count
        connection_count += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(CHUNKED_HEAD + f"{len(answer):x}\r\n".encode() + answer + b"\r\n0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, connected(name, sends(), base_url=url) as backend:
        for _ in range(3):
            assert text_of(await read(backend)) == "yes"
    assert connection_count == 1


async def test_a_content_type_is_repeated_only_where_it_is_plain(name: str) -> None:
    """What a server writes into a header does not reach a message of ours as it is."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: a secret prompt\r\ncontent-length: 0\r\n\r\n"
    async with connected(name, writes(head)) as backend:
        with pytest.raises(Unavailable, match="something else") as caught:
            await read(backend)
    assert "secret" not in str(caught.value)


async def test_a_key_that_is_refused_is_refused(name: str) -> None:
    """401 is Refused, with the provider's code and not with its words."""

    async def script(_: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        respond(writer, "401 Unauthorized", {"error": {"type": "bad_key", "message": "sk-secret is bad"}})

    async with connected(name, script, api_key="sk-secret") as backend:
        with pytest.raises(Refused, match="bad_key") as caught:
            await read(backend)
    assert "secret" not in str(caught.value)
