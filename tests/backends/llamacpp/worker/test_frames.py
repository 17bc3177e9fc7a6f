"""Frames: any stream of bytes, cut anywhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.llamacpp.worker.frames import MAX_FRAME_BYTE_COUNT, FrameError, FrameReader, frame


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 50)))
def test_payloads_come_back_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    """What was framed is read again, in order and whole."""
    stream = b"".join(frame(payload) for payload in payloads)
    reader = FrameReader()
    found: list[bytes] = []
    for cut in [*cuts, len(stream)]:
        found += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert found == payloads


@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    """No bytes raise anything but FrameError."""
    with suppress(FrameError):
        assert all(len(payload) <= len(data) for payload in FrameReader().feed(data))


def test_a_length_beyond_the_bound_is_refused_at_once() -> None:
    """Nothing is kept for a frame that will never be complete."""
    with pytest.raises(FrameError, match="at most"):
        list(FrameReader().feed((MAX_FRAME_BYTE_COUNT + 1).to_bytes(4, "big")))


def test_too_long_a_payload_is_not_sent() -> None:
    """The sender keeps to the bound that the reader holds it to."""
    with pytest.raises(FrameError, match="at most"):
        frame(bytes(MAX_FRAME_BYTE_COUNT + 1))
