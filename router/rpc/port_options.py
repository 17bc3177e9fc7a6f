"""What connections to a gRPC port may do, before anybody knows who speaks.

Decides how long a greeting may take, how much may be said before a call begins, how many calls a connection
may hold, and how often it may ping. Refuses to know what is served.
"""

from __future__ import annotations

from router.config.model import ServerConfig

HANDSHAKE_TIMEOUT_S = 10.0
"""Who has not greeted until then, in TLS and HTTP/2, is let go."""
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients may ping every 10 s; more often counts as abuse and ends the connection.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Clients find new replicas when they connect anew.
    ("grpc.max_connection_age_ms", 1_800_000),
)


def port_options(settings: ServerConfig, *, call_count: int) -> tuple[tuple[str, int], ...]:
    """Options of a server whose calls are ``call_count`` at most, on one connection or on many."""
    return (
        # Else a second server on the same port starts without a word and takes half the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.server_handshake_timeout_ms", round(1000 * HANDSHAKE_TIMEOUT_S)),
        ("grpc.max_concurrent_streams", call_count),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        # Without the second one gRPC would let more in now and then, at random.
        ("grpc.max_metadata_size", settings.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", settings.max_metadata_bytes),
        *_KEEPALIVE,
    )
