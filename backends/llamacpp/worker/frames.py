"""Cuts a stream of bytes into frames: four bytes of length, big end first, then that many bytes.

Decides how long a frame may be. Does no I/O, and refuses to know what is in a frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# The longest are 64 embeddings (1 MiB) and a prompt of 1 MiB as token numbers (7 MiB).
MAX_FRAME_BYTE_COUNT = 16 * 2**20
_LENGTH = struct.Struct("!I")


class FrameError(ValueError):
    """The bytes are no frame, or the frame holds no message; the other side is broken or hostile."""


def frame(payload: bytes) -> bytes:
    """Return ``payload`` as a frame; raises FrameError where it is too long."""
    if len(payload) > MAX_FRAME_BYTE_COUNT:
        raise FrameError(f"a frame of {len(payload)} bytes; at most {MAX_FRAME_BYTE_COUNT} may be sent")
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Puts frames together from pieces of any length."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the payloads that are complete with ``data``.

        Raises FrameError at a length that no frame may have, before any of it is kept.
        """
        held = self._held
        held += data
        start = 0
        try:
            while len(held) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(held, start)
                if length > MAX_FRAME_BYTE_COUNT:
                    raise FrameError(
                        f"a frame claims {length} bytes; at most {MAX_FRAME_BYTE_COUNT} may come"
                    )
                end = start + _LENGTH.size + length
                if end > len(held):
                    return
                yield bytes(memoryview(held)[start + _LENGTH.size : end])
                start = end
        finally:
            del held[:start]
