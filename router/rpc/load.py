"""How busy a tier's model is, to the wire and back."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from upshift.v1 import router_pb2

from backends.load import Load
from router.rpc.durations import duration, seconds


def load_message(load: Load) -> router_pb2.Load:
    """Translate a load."""
    return router_pb2.Load(
        slot_count=load.slot_count,
        running_count=load.running_count,
        waiting_count=load.waiting_count,
        unread_token_count=load.unread_token_count,
        read_token_count=load.read_token_count,
        cached_token_count=load.cached_token_count,
        written_token_count=load.written_token_count,
        pass_token_count=load.pass_token_count,
        pass_time=_time(load.pass_s),
        read_time=_time(load.read_s),
        token_time=_time(load.token_s),
        answer_time=_time(load.answer_s),
        hit_rate=load.hit_rate,
    )


def load_of(tier: router_pb2.Tier) -> Load | None:
    """Read the load of a tier; None where it says none."""
    if not tier.HasField("load"):
        return None
    load = tier.load
    return Load(
        load.running_count,
        load.waiting_count,
        load.slot_count,
        read_token_count=load.read_token_count,
        cached_token_count=load.cached_token_count,
        written_token_count=load.written_token_count,
        unread_token_count=load.unread_token_count,
        pass_token_count=load.pass_token_count,
        pass_s=seconds(load.pass_time) if load.HasField("pass_time") else None,
        read_s=seconds(load.read_time) if load.HasField("read_time") else None,
        token_s=seconds(load.token_time) if load.HasField("token_time") else None,
        answer_s=seconds(load.answer_time) if load.HasField("answer_time") else None,
        hit_rate=load.hit_rate if load.HasField("hit_rate") else None,
    )


def _time(seconds: float | None) -> Duration | None:
    return None if seconds is None else duration(seconds)
