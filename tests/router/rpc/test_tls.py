"""Encryption: who is let in by their certificate, and certificates that change while the server runs."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from router.config import ServerConfig, TlsConfig
from router.rpc.client import AsyncClient, Client, UpshiftError, tls
from router.rpc.listen import ListenError
from router.rpc.server import RouterServer
from router.rpc.tls import Certificates, TlsError
from tests.router.rpc.authorities import Authority, subject
from tests.router.rpc.conftest import Serve
from tests.router.rpc.scripted_router import ScriptedRouter


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


@dataclass
class Timer:
    """Seconds that a test sets."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


async def ask(address: str, credentials: grpc.ChannelCredentials | None) -> str:
    async with AsyncClient(address, credentials=credentials) as client:
        return (await client.generate("hi", timeout_s=10.0)).text


async def refused(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    with pytest.raises(UpshiftError) as caught:
        await ask(address, credentials)
    return caught.value.code


async def test_an_encrypted_call_is_answered(serve: Serve, authority: Authority) -> None:
    """Clients of both kinds trust the server by its authority."""
    address = (await serve(tls=authority.server())).address
    assert await ask(address, tls(ca=authority.file)) == "hi"

    def generate() -> str:
        with Client(address, credentials=tls(ca=authority.file)) as client:
            return client.generate("hi").text

    assert await asyncio.to_thread(generate) == "hi"


async def test_strangers_do_not_connect(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    """Neither without encryption nor with trust in somebody else."""
    address = (await serve(tls=authority.server())).address
    other = Authority(tmp_path, "other")
    assert await refused(address, None) is grpc.StatusCode.UNAVAILABLE
    assert await refused(address, tls(ca=other.file)) is grpc.StatusCode.UNAVAILABLE


async def test_mutual_tls_wants_a_certificate(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    """Only clients that the named authority vouches for come in."""
    address = (await serve(tls=authority.server(client_ca=authority.file))).address
    certificate, key = authority.issue("client")
    assert await ask(address, tls(ca=authority.file, certificate=certificate, private_key=key)) == "hi"
    assert await refused(address, tls(ca=authority.file)) is grpc.StatusCode.UNAVAILABLE
    certificate, key = Authority(tmp_path, "other").issue("stranger")
    stranger = tls(ca=authority.file, certificate=certificate, private_key=key)
    assert await refused(address, stranger) is grpc.StatusCode.UNAVAILABLE


def shown(address: str) -> str:
    """The name in the certificate that a server shows."""
    host, _, port = address.rpartition(":")
    return subject(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port)), timeout=10)))


async def test_a_renewed_certificate_is_shown_without_a_restart(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next connection sees the new one; the one that stands goes on."""
    monkeypatch.setattr("router.rpc.tls.REFRESH_INTERVAL_S", 0.0)
    settings = ServerConfig(listen="127.0.0.1:0", tls=authority.server("old"))
    async with RouterServer(settings, ScriptedRouter()) as server:
        address = await server.start()
        async with AsyncClient(address, credentials=tls(ca=authority.file)) as client:
            await client.generate("hi")
            assert await asyncio.to_thread(shown, address) == "old"
            authority.server("new")
            assert await asyncio.to_thread(shown, address) == "new"
            assert (await client.generate("hi")).text == "hi"


def test_files_that_do_not_fit_together_change_nothing(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate whose key has not come yet is not shown; once it has, it is."""
    timer = Timer()
    settings = authority.server()
    certificates = Certificates(settings, timer=timer)
    certificates.credentials()
    fresh_certificate, fresh_key = authority.issue("fresh")
    settings.certificate.write_bytes(fresh_certificate.read_bytes())
    timer.now_s = 2.0
    with caplog.at_level(logging.ERROR):
        assert certificates._changed() is None
    assert "stays as it was" in caplog.text
    settings.private_key.write_bytes(fresh_key.read_bytes())
    timer.now_s = 4.0
    assert certificates._changed() is not None


def test_files_are_looked_at_once_a_second(authority: Authority) -> None:
    """A flood of handshakes does not become a flood of file reads."""
    timer = Timer()
    certificates = Certificates(authority.server(), timer=timer)
    certificates.credentials()
    authority.server("new")
    timer.now_s = 0.9
    assert certificates._changed() is None
    timer.now_s = 1.1
    assert certificates._changed() is not None


def broken(settings: TlsConfig, what: str) -> TlsConfig:
    """The settings with one file gone, swapped or spoilt."""
    if what == "gone":
        settings.certificate.unlink()
    elif what == "no PEM":
        settings.private_key.write_text("nonsense")
    elif what == "bad authority":
        settings.certificate.with_name("bad.pem").write_text("nonsense")
        return settings.model_copy(update={"client_ca": settings.certificate.with_name("bad.pem")})
    return settings


@pytest.mark.parametrize("what", ["gone", "no PEM", "bad authority"])
async def test_a_server_with_bad_files_does_not_start(authority: Authority, what: str) -> None:
    """The error says which file; nothing is served in the clear instead."""
    settings = broken(authority.server(), what)
    with pytest.raises(TlsError):
        Certificates(settings).credentials()
    async with RouterServer(ServerConfig(listen="127.0.0.1:0", tls=settings), ScriptedRouter()) as server:
        with pytest.raises(ListenError, match=r"server\.tls"):
            await server.start()
