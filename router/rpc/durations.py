"""Seconds as protobuf Durations, to the nanosecond."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

_NANOS = 1_000_000_000


def duration(seconds: float) -> Duration:
    """Translate seconds."""
    whole, nanos = divmod(round(seconds * _NANOS), _NANOS)
    return Duration(seconds=whole, nanos=nanos)


def seconds(message: Duration) -> float:
    """Translate a Duration."""
    return message.seconds + message.nanos / _NANOS
