"""How clients reach servers: which replicas, how often again, how long they stay connected."""

from __future__ import annotations

import json
from pathlib import Path

import grpc

from router.rpc.names import SERVICE_NAME

DEFAULT_TARGET = "127.0.0.1:50051"

# gRPC does this itself, and only where no answer had begun. The throttle (a token for each failure, a
# tenth back for each success) keeps a broken server from getting four times its load.
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": SERVICE_NAME}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
}
_OPTIONS = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.keepalive_time_ms", 60_000),
    # A long answer with all its log-probabilities; the server bounds what it takes, not what it gives.
    ("grpc.max_receive_message_length", 64 << 20),
)


def tls(
    *, ca: Path | None = None, certificate: Path | None = None, private_key: Path | None = None
) -> grpc.ChannelCredentials:
    """Give credentials for an encrypted channel, from PEM files.

    ``ca`` has the authorities that may vouch for the server; None: the system's. ``certificate`` and
    ``private_key`` are the client's own, for servers that want one (mTLS). Raises OSError.
    """
    read = [None if path is None else path.read_bytes() for path in (ca, private_key, certificate)]
    return grpc.ssl_channel_credentials(*read)


def async_channel(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    """Open a channel for asyncio; it connects when it is first used. None: no encryption."""
    if credentials is None:
        return grpc.aio.insecure_channel(target, _OPTIONS)
    return grpc.aio.secure_channel(target, credentials, _OPTIONS)


def sync_channel(target: str, credentials: grpc.ChannelCredentials | None) -> grpc.Channel:
    """Open a channel for threads; it connects when it is first used. None: no encryption."""
    if credentials is None:
        return grpc.insecure_channel(target, _OPTIONS)
    return grpc.secure_channel(target, credentials, _OPTIONS)
