"""Lets llama.cpp quantise a file. A job for a child process: on files it does not like it may end it."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from typing import Any

import llama_cpp
import numpy as np

from backends.errors import Refused
from backends.llamacpp.models.child import serve_job
from backends.llamacpp.models.progress import Progress
from backends.llamacpp.models.quantize.recipe import MIXTURES, number_of

# What llama.cpp logs of each tensor: "[  12/ 310] blk.0.attn_q.weight - [...", and where rows do not fit,
# "warning: blk.0.attn_q.weight - ncols 128 not divisible by 256 (required for type q4_K) -> falling ...".
_TENSOR = re.compile(r"\[ *(\d+)/ *(\d+)\] +\S+ +- \[")
_FALLBACK = re.compile(r"(\S+) +- ncols +\d+ not divisible by +\d+ \(required for type +(\w+)\)")
_FAILURE = re.compile(r"failed to quantize: (.*)")


class _Listener:
    """Understands llama.cpp's log; the lines come in pieces."""

    def __init__(self, progress: Progress) -> None:
        self.fallbacks: dict[str, str] = {}
        self.failure = "it did not say why"
        self._progress = progress
        self.callback = llama_cpp.llama_log_callback(self._hear)

    def _hear(self, _: int, data: bytes, __: object) -> None:
        text = data.decode(errors="replace")
        if found := _TENSOR.search(text):
            self._progress("quantising tensors", int(found[1]), int(found[2]))
        if found := _FALLBACK.search(text):
            self.fallbacks[found[1]] = found[2].lower()
        if found := _FAILURE.search(text):
            self.failure = found[1].strip()


def main() -> None:
    """Be the child."""
    serve_job(_job)


def _job(request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    listener = _Listener(progress)
    llama_cpp.llama_log_set(listener.callback, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.nthread = request["thread_count"]
    parameters.ftype = MIXTURES[request["mixture"]]
    parameters.allow_requantize = request["requantize"]
    if request["head"] is not None:
        parameters.output_tensor_type = number_of(request["head"])
        if request["tied"]:
            parameters.token_embedding_type = number_of(request["head"])
    overrides = _overrides(request["overrides"])
    parameters.tt_overrides = overrides
    matrices = {} if request["importance"] is None else dict(np.load(request["importance"]))
    importance = _importance(matrices)
    if matrices:
        parameters.imatrix = importance
    code = llama_cpp.llama_model_quantize(
        request["source"].encode(), request["target"].encode(), ctypes.byref(parameters)
    )
    if code != 0:
        raise Refused(f"llama.cpp cannot quantise {request['source']}: {listener.failure}")
    return {"fallbacks": listener.fallbacks}


def _overrides(given: list[list[str]]) -> Any:
    """The C array that ends with an empty entry."""
    array = (llama_cpp.llama_model_tensor_override * (len(given) + 1))()
    for entry, (pattern, type_name) in zip(array, given, strict=False):
        entry.pattern, entry.type = pattern.encode(), number_of(type_name)
    return array


def _importance(matrices: Mapping[str, Any]) -> Any:
    """The C array that ends with an empty entry; it points into ``matrices``, which must outlive it."""
    array = (llama_cpp.llama_model_imatrix_data * (len(matrices) + 1))()
    for entry, (name, values) in zip(array, matrices.items(), strict=False):
        entry.name, entry.size = name.encode(), values.size
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    return array


if __name__ == "__main__":
    main()
