"""Where a server listens, and whether it may: beyond this machine only behind locked doors.

Decides when an address is safe to listen on. Refuses to know what is served there.
"""

from __future__ import annotations

import ipaddress

import grpc

from router.config.model import ServerConfig
from router.rpc.tls import Certificates, TlsError


class ListenError(Exception):
    """The address cannot be listened on; the message says why and what to do."""


def bind(
    server: grpc.aio.Server, settings: ServerConfig, *, listen: str | None = None, asks_for_keys: bool = False
) -> str:
    """Let ``server`` listen, and give the address with its real port. Raises ListenError.

    ``listen`` None: where ``settings`` say. ``asks_for_keys``: whether calls need an API key.
    """
    listen = listen or settings.listen
    check_doors("server.listen", listen, settings, asks_for_keys=asks_for_keys)
    try:
        if settings.tls is None:
            port = server.add_insecure_port(listen)
        else:
            port = server.add_secure_port(listen, Certificates(settings.tls).credentials())
    except TlsError as exc:
        raise ListenError(f"server.tls cannot be used: {exc}") from exc
    except RuntimeError as exc:
        raise ListenError(
            f"cannot listen on {listen!r}: the port is taken or the address is not this machine's; "
            "choose another server.listen, or stop who has it"
        ) from exc
    return listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"


def check_doors(key: str, listen: str, settings: ServerConfig, *, asks_for_keys: bool) -> None:
    """Raise ListenError where ``listen``, the value of ``key``, would let strangers in."""
    if settings.allow_insecure_listen or is_loopback(listen):
        return
    wants_certificates = settings.tls is not None and settings.tls.client_ca is not None
    missing = []
    if settings.tls is None:
        missing.append("no encryption (server.tls)")
    if not asks_for_keys and not wants_certificates:
        missing.append("no authentication (auth.keys or server.tls.client_ca)")
    if missing:
        raise ListenError(
            f"{key}: {listen!r} can be reached by other machines, and there is {' and '.join(missing)}; "
            "listen on 127.0.0.1 behind a proxy, lock the doors, or set server.allow_insecure_listen: true"
        )


def is_loopback(listen: str) -> bool:
    """Whether only this machine can reach ``listen``."""
    if listen.startswith("unix:"):
        return True
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
