"""``upshift.v1.AdminService``, one short method a call.

Decides how a call becomes a change of the configuration and how that is told. Refuses to know gRPC (the edge
does) and how a change is carried out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from google.protobuf.timestamp_pb2 import Timestamp
from upshift.v1 import admin_pb2

from router.config.problems import ConfigError
from router.errors import InvalidRequest, Violation
from router.live.core import LiveRouter
from router.live.redact import redacted
from router.live.reloader import Change, Reloader, Terms
from router.live.versions import Version
from router.rpc.certificates import certificate_message
from router.rpc.rules import MAX_PAGE_SIZE
from router.rpc.seam import Call
from router.rpc.wire import tier_message

DEFAULT_PAGE_SIZE = 100

_Changing = admin_pb2.ReloadConfigRequest | admin_pb2.UpdateConfigRequest | admin_pb2.RollbackConfigRequest


class AdminService:
    """Over what is served and what changes it. ``started_s`` is seconds since 1970."""

    def __init__(self, core: LiveRouter, reloader: Reloader, started_s: float) -> None:
        self._core = core
        self._reloader = reloader
        self._started_s = started_s

    async def get_config(self, _: admin_pb2.GetConfigRequest, __: Call) -> admin_pb2.GetConfigResponse:
        """Show what is served, secrets masked."""
        served = self._reloader.served
        content = await asyncio.to_thread(redacted, served)
        return admin_pb2.GetConfigResponse(content=content, etag=served.etag)

    async def reload_config(
        self, message: admin_pb2.ReloadConfigRequest, call: Call
    ) -> admin_pb2.ReloadConfigResponse:
        """Serve what the file says now."""
        change = await _told(self._reloader.reload(_terms(message, call)))
        return admin_pb2.ReloadConfigResponse(change=_change_message(change))

    async def update_config(
        self, message: admin_pb2.UpdateConfigRequest, call: Call
    ) -> admin_pb2.UpdateConfigResponse:
        """Serve what is sent."""
        _require(message, "content", "etag")
        change = await _told(self._reloader.update(message.content, _terms(message, call)))
        return admin_pb2.UpdateConfigResponse(change=_change_message(change))

    async def rollback_config(
        self, message: admin_pb2.RollbackConfigRequest, call: Call
    ) -> admin_pb2.RollbackConfigResponse:
        """Serve an earlier version again."""
        change = await _told(self._reloader.rollback(message.version or None, _terms(message, call)))
        return admin_pb2.RollbackConfigResponse(change=_change_message(change))

    async def list_config_versions(
        self, message: admin_pb2.ListConfigVersionsRequest, _: Call
    ) -> admin_pb2.ListConfigVersionsResponse:
        """List a page of versions, newest first; a page token is the number of the page's first one."""
        size = _page_size(message.page_size)
        kept = await asyncio.to_thread(self._reloader.versions)
        versions = [version for version in reversed(kept) if _is_from(version, message.page_token)]
        # The newest version of the text that is served is the one that is served.
        served = next((v.number for v in versions if v.etag == self._reloader.served.etag), None)
        following = versions[size : size + 1]
        return admin_pb2.ListConfigVersionsResponse(
            versions=[_version_message(v, is_served=v.number == served) for v in versions[:size]],
            next_page_token=str(following[0].number) if following else "",
        )

    async def get_status(self, _: admin_pb2.GetStatusRequest, __: Call) -> admin_pb2.GetStatusResponse:
        """Say how the server does."""
        return admin_pb2.GetStatusResponse(
            start_time=_timestamp(self._started_s),
            etag=self._reloader.served.etag,
            config_time=_timestamp(self._reloader.last_success_s),
            change_count=self._core.exchange_count,
            failed_change_count=self._reloader.failure_count,
            in_flight_count=self._core.request_count,
            tiers=map(tier_message, self._core.tiers()),
            certificates=map(certificate_message, self._core.certificates()),
        )


def _terms(message: _Changing, call: Call) -> Terms:
    by = "-" if call.caller is None else call.caller.key_id
    return Terms(by, message.etag or None, message.allow_unready_tiers)


async def _told(change: Awaitable[Change]) -> Change:
    """Await ``change``, and tell what is wrong with a configuration as faulty fields."""
    try:
        return await change
    except ConfigError as exc:
        problems = ((problem.key or "content", str(problem)) for problem in exc.problems)
        raise InvalidRequest(tuple(Violation(key, "CONFIG_INVALID", said) for key, said in problems)) from exc


def _require(message: admin_pb2.UpdateConfigRequest, *fields: str) -> None:
    missing = [name for name in fields if not getattr(message, name)]
    if missing:
        said = "is missing; GetConfig gives the ETag, and the content to start from"
        raise InvalidRequest(tuple(Violation(name, "FIELD_MISSING", said) for name in missing))


def _page_size(wanted: int) -> int:
    if not 0 <= wanted <= MAX_PAGE_SIZE:
        said = f"is {wanted}; it must lie in [1, {MAX_PAGE_SIZE}], or be unset"
        raise InvalidRequest((Violation("page_size", "PAGE_SIZE_OUT_OF_RANGE", said),))
    return wanted or DEFAULT_PAGE_SIZE


def _is_from(version: Version, page_token: str) -> bool:
    if page_token and not page_token.isdecimal():
        said = "comes from no earlier answer; start again without it"
        raise InvalidRequest((Violation("page_token", "PAGE_TOKEN_INVALID", said),))
    return not page_token or version.number <= int(page_token)


def _change_message(change: Change) -> admin_pb2.ConfigChange:
    return admin_pb2.ConfigChange(
        etag=change.etag,
        version=change.version or 0,
        kept_tiers=change.exchange.kept,
        started_tiers=change.exchange.started,
        closed_tiers=change.exchange.closed,
    )


def _version_message(version: Version, *, is_served: bool) -> admin_pb2.ConfigVersion:
    return admin_pb2.ConfigVersion(
        version=version.number,
        etag=version.etag,
        create_time=_timestamp(version.time_s),
        origin=version.origin,
        author=version.by,
        served=is_served,
    )


def _timestamp(seconds: float) -> Timestamp:
    whole, fraction = divmod(seconds, 1.0)
    return Timestamp(seconds=int(whole), nanos=int(fraction * 1e9))
