"""One call of ``llama_decode`` over tokens of many sequences, and the logits that come of it."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from backends.errors import Unavailable
from backends.llamacpp.engine.adapters import Adapters
from backends.llamacpp.native import Native
from backends.serving.parts import Aborted, Logits
from backends.serving.scheduler import Row

# What llama_decode returns when an abort callback has asked it to stop.
_ABORTED = 2


class Batch:
    """The arrays of a ``llama_batch``, filled as wholes: setting C fields one by one takes 1 us each."""

    def __init__(self, native: Native, adapters: Adapters | None = None) -> None:
        """Store; without ``adapters`` the bare model computes whatever is asked for."""
        size = native.batch_token_count
        self._native = native
        self._adapters = adapters
        self._tokens = np.zeros(size, np.int32)
        self._positions = np.zeros(size, np.int32)
        self._slots = np.zeros(size, np.int32)
        self._slot_counts = np.ones(size, np.int32)
        self._outputs = np.zeros(size, np.int8)
        # llama.cpp takes a list of sequences for every token; each of ours is one long.
        self._slot_pointers = self._slots.ctypes.data + self._slots.itemsize * np.arange(
            size, dtype=np.uint64
        )
        self._struct = llama_cpp.llama_batch(
            token=_pointer(self._tokens, llama_cpp.llama_token),
            pos=_pointer(self._positions, llama_cpp.llama_pos),
            n_seq_id=_pointer(self._slot_counts, ctypes.c_int32),
            seq_id=_pointer(self._slot_pointers, ctypes.POINTER(llama_cpp.llama_seq_id)),
            logits=_pointer(self._outputs, ctypes.c_int8),
        )
        self._logits_address: int | None = None
        self._logits: Logits | None = None

    def compute(self, rows: list[Row]) -> Logits:
        """Compute ``rows``, all of one adapter; see :class:`backends.serving.parts.Batch`."""
        if self._adapters is not None:
            self._adapters.use(rows[0].sequence.work.adapter)
        count = self._fill(rows)
        code = self.decode(count)
        if code == _ABORTED:
            raise Aborted
        if code != 0:
            raise Unavailable(f"llama.cpp could not compute {count} tokens (llama_decode returned {code})")
        return self._read_logits()

    def decode(self, count: int) -> int:
        """Compute the first ``count`` tokens of the arrays and return llama_decode's code: 0 is well."""
        self._struct.n_tokens = count
        return int(llama_cpp.llama_decode(self._native.context, self._struct))

    def _fill(self, rows: list[Row]) -> int:
        tokens: list[int] = []
        positions: list[int] = []
        slots: list[int] = []
        outputs: list[int] = []
        for row in rows:
            sequence = row.sequence
            assert sequence.slot is not None, "only running sequences are computed"
            tokens += sequence.tokens[sequence.computed : sequence.computed + row.count]
            tokens += row.draft
            length = row.count + len(row.draft)
            positions += range(sequence.position, sequence.position + length)
            slots += [sequence.slot] * length
            written = 1 + len(row.draft) if row.writes else 0
            outputs += [0] * (length - written) + [1] * written
        count = len(tokens)
        assert count <= len(self._tokens), "llama.cpp would end the process"
        self._tokens[:count] = tokens
        self._positions[:count] = positions
        self._slots[:count] = slots
        self._outputs[:count] = outputs
        return count

    def _read_logits(self) -> Logits:
        """Logits of the last call; only as many rows hold something as were asked for."""
        address = ctypes.addressof(llama_cpp.llama_get_logits(self._native.context).contents)
        if self._logits is None or address != self._logits_address:
            shape = (self._native.output_count, self._native.vocabulary_size)
            buffer = (ctypes.c_float * (shape[0] * shape[1])).from_address(address)
            self._logits = np.ctypeslib.as_array(buffer).reshape(shape)
            self._logits_address = address
        return self._logits


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(kind))
