"""The admin port: who may call, what changes, and what is written down of it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from router.config import ServerConfig
from router.rpc.admin.audit_log import AuditLog
from router.rpc.admin.server import AdminServer
from router.rpc.client import UpshiftError, tls
from router.rpc.client.admin import AdminClient
from router.rpc.listen import ListenError
from router.rpc.names import ADMIN_SERVICE_NAME, SERVICE_NAME
from router.tenants.key_ring import KeyRing
from tests.router.live.conftest import text, tier
from tests.router.rpc.admin.conftest import Administered, keys_in
from tests.router.rpc.authorities import Authority


def changed(administered: Administered, reply: str) -> str:
    return administered.path.read_text().replace("one", reply)


async def refused(administered: Administered, key: str) -> UpshiftError:
    with pytest.raises(UpshiftError) as caught:
        await administered.do(AdminClient.get_config, key=key)
    return caught.value


async def test_only_admin_keys_come_in(administered: Administered) -> None:
    """No key, an unknown one and one of other scopes are told apart."""
    unknown = f"upk_{'0' * 12}_{'x' * 43}"
    reasons = [(await refused(administered, key)).reason for key in ("", unknown, administered.other_key)]
    assert reasons == ["KEY_MISSING", "KEY_UNKNOWN", "SCOPE_MISSING"]


async def test_the_configuration_is_shown_without_secrets(administered: Administered) -> None:
    """All else is there, and the ETag that an update needs."""
    content, etag = await administered.do(AdminClient.get_config)
    assert "reply: one" in content
    assert "sk-not-to-be-shown" not in content
    assert len(etag) == 32


async def test_an_update_changes_what_is_served(administered: Administered) -> None:
    """Under the right ETag, once; the same ETag is stale afterwards."""
    _, etag = await administered.do(AdminClient.get_config)
    content = text(tier("edge", "two"), auth={"keys": "keys.json"})
    change = await administered.do(lambda client: client.update_config(content, if_match=etag))
    assert (change.version, change.started_tiers) == (2, ("edge",))
    assert administered.path.read_text() == content
    with pytest.raises(UpshiftError) as caught:
        await administered.do(lambda client: client.update_config(content, if_match=etag))
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_what_is_wrong_is_told_by_field_and_line(administered: Administered) -> None:
    """The caller sees what `upshift validate` would say."""
    administered.path.write_text(changed(administered, "one").replace("reply:", "replly:"))
    with pytest.raises(UpshiftError) as caught:
        await administered.do(AdminClient.reload)
    violation = caught.value.violations[0]
    assert (caught.value.code, violation.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CONFIG_INVALID")
    assert violation.field == "tiers[0].options.replly"
    assert "upshift.yaml:6:" in violation.description


async def test_versions_are_listed_and_gone_back_to(administered: Administered) -> None:
    """The newest comes first, and what is served is marked."""
    administered.path.write_text(changed(administered, "two"))
    await administered.do(AdminClient.reload)
    await administered.do(AdminClient.rollback)
    versions = await administered.do(AdminClient.list_versions)
    assert [(v.version, v.origin, v.served) for v in versions] == [
        (3, "rollback to 1", True),
        (2, "reload", False),
        (1, "served before", False),
    ]
    with pytest.raises(UpshiftError) as caught:
        await administered.do(lambda client: client.rollback(9))
    assert caught.value.reason == "VERSION_UNKNOWN"


async def test_the_status_tells_of_changes_and_tiers(administered: Administered) -> None:
    """Failed changes are counted too."""
    administered.path.write_text("nonsense")
    with pytest.raises(UpshiftError):
        await administered.do(AdminClient.reload)
    status = await administered.do(AdminClient.get_status)
    assert (status.change_count, status.failed_change_count, status.tiers[0].name) == (0, 1, "edge")
    assert status.start_time.seconds == 1_800_000_000


async def test_every_call_is_written_down(administered: Administered) -> None:
    """Who, what, when and how it ended; refused calls too, and nothing secret."""
    await refused(administered, administered.other_key)
    _, etag = await administered.do(AdminClient.get_config)
    content = changed(administered, "two")
    await administered.do(lambda client: client.update_config(content, if_match=etag))
    while len(administered.audited()) < 3:
        await asyncio.sleep(0)
    lines = administered.audited()
    assert [(line["what"], line["outcome"]) for line in lines] == [
        ("GetConfig", "SCOPE_MISSING"),
        ("GetConfig", "OK"),
        ("UpdateConfig", "OK"),
    ]
    assert [line["who"] for line in lines] == [
        administered.other_key.split("_")[1],
        *[administered.admin_key.split("_")[1]] * 2,
    ]
    assert lines[2]["asked"]["etag"] == etag
    assert lines[2]["done"]["version"] == 2
    written = str(lines)
    for secret in (administered.admin_key.split("_", 2)[2], "sk-not-to-be-shown", "reply"):
        assert secret not in written


async def test_reflection_wants_an_admin_key(administered: Administered) -> None:
    """It describes both services, to those who may call them."""

    def services(key: str) -> list[str]:
        interceptor = _Authorized(key)
        with grpc.insecure_channel(administered.address) as channel:
            intercepted = grpc.intercept_channel(channel, interceptor)
            return list(ProtoReflectionDescriptorDatabase(intercepted).get_services())

    assert {ADMIN_SERVICE_NAME, SERVICE_NAME} <= set(
        await asyncio.to_thread(services, administered.admin_key)
    )
    with pytest.raises(grpc.RpcError):
        await asyncio.to_thread(services, administered.other_key)


class _Authorized(grpc.StreamStreamClientInterceptor):
    """Puts a key into every call."""

    def __init__(self, key: str) -> None:
        self._key = key

    def intercept_stream_stream(self, continuation, details, request_iterator):  # type: ignore[no-untyped-def]
        sent = [*(details.metadata or ()), ("authorization", f"Bearer {self._key}")]
        return continuation(details._replace(metadata=sent), request_iterator)


def admin_server(administered: Administered, keys: Path, listen: str = "0.0.0.0:0") -> AdminServer:
    settings = ServerConfig(allow_insecure_listen=True)
    return AdminServer(listen, settings, administered.service, KeyRing(keys))


async def test_beyond_this_machine_there_must_be_an_admin_key(
    administered: Administered, tmp_path: Path
) -> None:
    """A port that nobody can use, or that anybody can, is refused at the start."""
    (tmp_path / "none.json").write_text('{"version": 1, "keys": []}')
    with pytest.raises(ListenError, match="has no admin key; make one"):
        await admin_server(administered, tmp_path / "none.json").__aenter__()
    async with admin_server(administered, tmp_path / "none.json", "127.0.0.1:0"):
        pass


async def test_keys_that_others_may_write_are_weak(administered: Administered, tmp_path: Path) -> None:
    """Whoever can add a key has one."""
    keys = tmp_path / "open.json"
    keys_in(keys)
    keys.chmod(0o666)
    with pytest.raises(ListenError, match="can be written by other users"):
        await admin_server(administered, keys).__aenter__()
    keys.chmod(0o600)
    async with admin_server(administered, keys):
        pass


async def test_the_port_is_encrypted_as_the_other_one(administered: Administered, tmp_path: Path) -> None:
    """With the same certificate; who does not speak TLS gets nothing."""
    authority = Authority(tmp_path, "ca")
    settings = ServerConfig(tls=authority.server())
    keys = KeyRing(tmp_path / "keys.json")
    async with AdminServer("127.0.0.1:0", settings, administered.service, keys) as server:

        def etag(credentials: grpc.ChannelCredentials | None) -> str:
            with AdminClient(server.address, credentials=credentials, key=administered.admin_key) as client:
                return client.get_config()[1]

        assert await asyncio.to_thread(etag, tls(ca=authority.file))
        with pytest.raises(UpshiftError):
            await asyncio.to_thread(etag, None)


async def test_an_audit_log_that_cannot_be_written_is_found_at_the_start(tmp_path: Path) -> None:
    """No admin call goes unaudited because of a typing error."""
    with pytest.raises(ListenError, match=r"admin.audit: .*gone"):
        await AuditLog(tmp_path / "gone" / "audit.jsonl").__aenter__()


async def test_the_audit_log_is_appended_to_and_private(tmp_path: Path) -> None:
    """What is there stays, also when the file was moved away in between."""
    path = tmp_path / "audit.jsonl"
    path.write_text("earlier\n")
    async with AuditLog(path) as log:
        log.note("one", by="me")
    path.rename(tmp_path / "audit.1")
    async with AuditLog(path) as log:
        log.note("two", by=None)
    assert (tmp_path / "audit.1").read_text().startswith("earlier\n{")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
