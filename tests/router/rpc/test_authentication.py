"""Who is let in: keys in the metadata, scopes, tenants, and what listening beyond this machine takes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import grpc
import pytest
from upshift.v1 import router_pb2

from router.config import ServerConfig
from router.rpc.client import AsyncClient, Client, UpshiftError
from router.rpc.client.question import authorization
from router.rpc.listen import ListenError
from router.rpc.names import SERVICE_NAME
from router.rpc.server import RouterServer
from router.tenants.key_file import changed_keys
from router.tenants.key_ring import KeyRing
from router.tenants.keys import mint
from router.tenants.principal import Scope
from tests.router.rpc.authorities import Authority
from tests.router.rpc.conftest import Serve, Served
from tests.router.rpc.scripted_router import ScriptedRouter

ALL = frozenset(Scope)


def key(path: Path, *tenants: str, scopes: frozenset[Scope] = ALL, expires_s: float | None = None) -> str:
    """Add a key to the file at ``path``."""
    with changed_keys(path) as keys:
        made, token = mint(tenants=tenants or ("acme",), scopes=scopes, now_s=1.0, expires_s=expires_s)
        keys[made.id] = made
    return token


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    key(tmp_path / "keys.json")
    return tmp_path / "keys.json"


async def refusal(client: AsyncClient, **options: str) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(UpshiftError) as caught:
        await client.generate("hi", **options)  # type: ignore[arg-type]
    return caught.value.code, caught.value.reason


async def test_a_key_opens_every_call(serve: Serve, keys: Path) -> None:
    """All ways of asking show it."""
    token = key(keys)
    address = (await serve(keys=KeyRing(keys))).address
    async with AsyncClient(address, key=token) as client:
        assert (await client.generate("hi")).text == "hi"
        assert [piece async for piece in client.stream_text("hi")]
        assert (await client.decide("hi")).tier == "edge"
        assert len(await client.list_tiers()) == 2
        assert await client.list_certificates()
        assert not await client.submit_feedback("known", 1.0)


async def test_threads_show_their_key_too(serve: Serve, keys: Path) -> None:
    """The synchronous client sends the same."""
    token = key(keys)
    address = (await serve(keys=KeyRing(keys))).address

    def everything() -> int:
        with Client(address, key=token) as client:
            client.generate("hi")
            client.decide("hi")
            client.submit_feedback("known", 1.0)
            client.list_certificates()
            return len(client.list_tiers()) + len(list(client.stream_text("h")))

    assert await asyncio.to_thread(everything) == 3


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("", "KEY_MISSING"),
        ("Basic dXNlcjpwYXNz", "KEY_MISSING"),
        ("Bearer ", "KEY_UNKNOWN"),
        ("Bearer upk_0123", "KEY_UNKNOWN"),
        ("bearer upk_0123456789ab_" + "A" * 43, "KEY_UNKNOWN"),
    ],
)
async def test_without_a_known_key_nothing_is_answered(
    serve: Serve, keys: Path, sent: str, reason: str
) -> None:
    """The reason says what is wrong, and nothing reaches the router."""
    served = await serve(keys=KeyRing(keys))
    for method in ("Generate", "StreamGenerate", "Decide", "SubmitFeedback", "ListTiers"):
        error = await raw_refusal(served, method, (("authorization", sent),) if sent else ())
        assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)
    assert served.router.requests == []


async def raw_refusal(served: Served, method: str, metadata: tuple[tuple[str, str], ...]) -> UpshiftError:
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = served.channel.unary_unary(
        f"/{SERVICE_NAME}/{method}"
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"", metadata=metadata)
    return UpshiftError.of(caught.value)


async def test_an_expired_key_is_told_apart(serve: Serve, keys: Path) -> None:
    """So that its owner knows what to do."""
    token = key(keys, expires_s=2.0)
    address = (await serve(keys=KeyRing(keys))).address
    async with AsyncClient(address, key=token) as client:
        assert await refusal(client) == (grpc.StatusCode.UNAUTHENTICATED, "KEY_EXPIRED")


async def test_a_key_is_for_its_scopes(serve: Serve, keys: Path) -> None:
    """One that may list may not generate."""
    token = key(keys, scopes=frozenset({Scope.LIST}))
    served = await serve(keys=KeyRing(keys))
    async with AsyncClient(served.address, key=token) as client:
        assert await client.list_tiers()
        assert await refusal(client) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    assert served.router.requests == []


@pytest.mark.parametrize(
    "method", [method.name for method in router_pb2.DESCRIPTOR.services_by_name["RouterService"].methods]
)
async def test_every_call_wants_a_scope(serve: Serve, keys: Path, method: str) -> None:
    """A key that may do nothing opens none."""
    token = key(keys, scopes=frozenset())
    served = await serve(keys=KeyRing(keys))
    error = await raw_refusal(served, method, (("authorization", f"Bearer {token}"),))
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")


async def test_the_tenant_of_a_request_is_its_keys(serve: Serve, keys: Path) -> None:
    """A request that names none gets the key's, for policies, queues and the journal alike."""
    token = key(keys, "acme", "other")
    served = await serve(keys=KeyRing(keys))
    async with AsyncClient(served.address, key=token) as client:
        await client.generate("hi")
        await client.generate("hi", tenant="other")
        assert await refusal(client, tenant="third") == (
            grpc.StatusCode.PERMISSION_DENIED,
            "TENANT_NOT_ALLOWED",
        )
    seen = [(request.tenant, request.prompt.caller.tenant) for request in served.router.requests]
    assert seen == [("acme", "acme"), ("other", "other")]


async def test_health_needs_no_key(serve: Serve, keys: Path) -> None:
    """Balancers have none."""
    served = await serve(keys=KeyRing(keys))
    assert await served.client.health()


async def test_a_key_is_told_nowhere(serve: Serve, keys: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs nor errors nor what objects print hold it, right or wrong."""
    right = key(keys, scopes=frozenset({Scope.LIST}))
    wrong = "upk_0123456789ab_" + "S" * 43
    address = (await serve(keys=KeyRing(keys))).address
    said = []
    with caplog.at_level(logging.DEBUG):
        for token in (right, wrong):
            async with AsyncClient(address, key=token) as client:
                with pytest.raises(UpshiftError) as caught:
                    await client.generate("hi")
                said += [repr(client), repr(caught.value), str(caught.value.metadata)]
    everything = caplog.text + "".join(said)
    assert right.split("_", 2)[2] not in everything
    assert "S" * 43 not in everything


async def listens(settings: dict[str, object], keys: KeyRing | None) -> bool:
    async with RouterServer(ServerConfig.model_validate(settings), ScriptedRouter(), keys) as server:
        try:
            await server.start()
        except ListenError:
            return False
        return True


async def test_other_machines_are_let_in_by_locked_doors_only(keys: Path, tmp_path: Path) -> None:
    """Beyond loopback it takes encryption and authentication, by keys or by certificates."""
    authority = Authority(tmp_path, "ca")
    one_way, both_ways = authority.server(), authority.server(client_ca=authority.file)
    everywhere: dict[str, object] = {"listen": "0.0.0.0:0"}
    assert not await listens(everywhere, KeyRing(keys))
    assert not await listens(everywhere | {"tls": one_way}, None)
    assert await listens(everywhere | {"tls": one_way}, KeyRing(keys))
    assert await listens(everywhere | {"tls": both_ways}, None)
    assert await listens(everywhere | {"allow_insecure_listen": True}, None)


def test_no_key_is_no_metadata() -> None:
    """Clients of open servers send nothing."""
    assert authorization(None) == ()
