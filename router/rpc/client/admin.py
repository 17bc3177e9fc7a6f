"""The client for those who run a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import grpc
from upshift.v1 import admin_pb2
from upshift.v1.admin_pb2_grpc import AdminServiceStub

from router.rpc.client.channel import sync_channel
from router.rpc.client.errors import UpshiftError
from router.rpc.client.question import authorization

DEFAULT_ADMIN_TARGET = "127.0.0.1:50052"
# A model may have to load.
_CHANGE_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What took the place of what was served; ``version`` None: it could not be kept."""

    etag: str
    version: int | None
    kept_tiers: tuple[str, ...]
    started_tiers: tuple[str, ...]
    closed_tiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """A configuration that was served once."""

    version: int
    etag: str
    time: datetime
    origin: str
    author: str
    served: bool


class AdminClient:
    """Runs a server at its admin port; ``with`` closes it. All methods raise :class:`UpshiftError`.

    ``key`` is an API key of the scope ``admin``. ``if_match`` is the ETag that must be served for a change
    to be made, None: any. ``allow_unready``: new tiers may be down.
    """

    def __init__(
        self,
        target: str = DEFAULT_ADMIN_TARGET,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        key: str | None = None,
    ) -> None:
        self._channel = sync_channel(target, credentials)
        self._stub = AdminServiceStub(self._channel)
        self._metadata = authorization(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def get_config(self) -> tuple[str, str]:
        """Return the configuration that is served, secrets masked, and its ETag."""
        with _raised():
            answer = self._stub.GetConfig(admin_pb2.GetConfigRequest(), metadata=self._metadata)
        return answer.content, answer.etag

    def reload(self, *, if_match: str | None = None, allow_unready: bool = False) -> ConfigChange:
        """Serve what the configuration's file says now."""
        message = admin_pb2.ReloadConfigRequest(etag=if_match or "", allow_unready_tiers=allow_unready)
        with _raised():
            answer = self._stub.ReloadConfig(message, metadata=self._metadata, timeout=_CHANGE_TIMEOUT_S)
        return _change(answer.change)

    def update_config(self, content: str, *, if_match: str, allow_unready: bool = False) -> ConfigChange:
        """Serve ``content``, and write it to the file."""
        message = admin_pb2.UpdateConfigRequest(
            content=content, etag=if_match, allow_unready_tiers=allow_unready
        )
        with _raised():
            answer = self._stub.UpdateConfig(message, metadata=self._metadata, timeout=_CHANGE_TIMEOUT_S)
        return _change(answer.change)

    def rollback(
        self, version: int | None = None, *, if_match: str | None = None, allow_unready: bool = False
    ) -> ConfigChange:
        """Serve an earlier version again; None: the newest that differs from what is served."""
        message = admin_pb2.RollbackConfigRequest(
            version=version or 0, etag=if_match or "", allow_unready_tiers=allow_unready
        )
        with _raised():
            answer = self._stub.RollbackConfig(message, metadata=self._metadata, timeout=_CHANGE_TIMEOUT_S)
        return _change(answer.change)

    def list_versions(self) -> tuple[ConfigVersion, ...]:
        """List the versions that are kept, newest first."""
        found: list[ConfigVersion] = []
        request = admin_pb2.ListConfigVersionsRequest()
        while True:
            with _raised():
                page = self._stub.ListConfigVersions(request, metadata=self._metadata)
            found += map(_version, page.versions)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                return tuple(found)

    def get_status(self) -> admin_pb2.GetStatusResponse:
        """Say how the server does."""
        with _raised():
            return self._stub.GetStatus(admin_pb2.GetStatusRequest(), metadata=self._metadata)


@contextmanager
def _raised() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise UpshiftError.of(error) from error


def _change(change: admin_pb2.ConfigChange) -> ConfigChange:
    return ConfigChange(
        change.etag,
        change.version or None,
        tuple(change.kept_tiers),
        tuple(change.started_tiers),
        tuple(change.closed_tiers),
    )


def _version(version: admin_pb2.ConfigVersion) -> ConfigVersion:
    return ConfigVersion(
        version.version,
        version.etag,
        version.create_time.ToDatetime(UTC),
        version.origin,
        version.author,
        version.served,
    )
