"""How much each input of each matrix matters: its mean square over calibration texts.

A job for a child process. Listens to llama.cpp while it computes (``cb_eval``) and reads what every
matrix is multiplied by, so it works for any file that llama.cpp runs. Rounding errors of a weight count
as much as its input is large: AWQ, Lin et al. 2023, arXiv 2306.00978, section 3.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from backends.errors import Refused
from backends.llamacpp.models.child import serve_job
from backends.llamacpp.models.header import Header, read_header
from backends.llamacpp.models.loaded import loaded
from backends.llamacpp.models.progress import Progress
from backends.llamacpp.models.shape import shape_of
from backends.llamacpp.models.texts import Text, windows

_CONTEXT_TOKEN_COUNT = 512
_F32, _I32 = 0, 26
# The bindings leave ggml's own functions out.
_ggml = llama_cpp.llama_cpp._lib  # noqa: SLF001
_ggml.ggml_op_name.restype = ctypes.c_char_p


class _Tensor(ctypes.Structure):
    """ggml.h's ``struct ggml_tensor`` as of llama-cpp-python 0.3.36."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
    ]

    def source(self, index: int) -> _Tensor:
        """An operand."""
        return _Tensor.from_address(self.src[index])

    def array(self, kind: Any) -> npt.NDArray[Any]:
        """Its values where they lie, slowest dimension first."""
        shape, strides = tuple(self.ne)[::-1], tuple(self.nb)[::-1]
        size = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + np.dtype(kind).itemsize
        return np.ndarray(shape, kind, (ctypes.c_char * size).from_address(self.data), strides=strides)


class _Squares:
    """Sums of squares of one matrix's inputs, (experts, width); one expert where it is no mixture."""

    def __init__(self, expert_count: int, width: int) -> None:
        self.sums = np.zeros((expert_count, width))
        self.counts = np.zeros(expert_count, np.int64)

    def add(self, rows: npt.NDArray[np.float32]) -> None:
        """Count rows of inputs, where there is one expert."""
        self.sums[0] += np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
        self.counts[0] += len(rows)

    def add_for(self, experts: npt.NDArray[np.int32], rows: npt.NDArray[np.float32]) -> None:
        """Count rows of inputs, each for its expert."""
        np.add.at(self.sums, experts, np.square(rows, dtype=np.float64))
        np.add.at(self.counts, experts, 1)

    def mean(self) -> npt.NDArray[np.float32]:
        """Mean squares; experts that were never asked take all inputs for equal."""
        mean = np.where(self.counts[:, None] > 0, self.sums / np.maximum(1, self.counts[:, None]), 1.0)
        return mean.astype(np.float32).ravel()


_found: dict[str, _Squares] = {}


@cache
def _operation(number: int) -> str:
    name: bytes = _ggml.ggml_op_name(number)
    return name.decode()


@llama_cpp.ggml_backend_sched_eval_callback  # type: ignore[untyped-decorator]
def _listen(address: int, asks: bool, _: object) -> bool:
    """Called before each operation (``asks``), and again after those that were of interest."""
    tensor = _Tensor.from_address(address)
    operation = _operation(tensor.op)
    if operation not in {"MUL_MAT", "MUL_MAT_ID"}:
        return not asks
    matrix, inputs = tensor.source(0), tensor.source(1)
    name = matrix.name.decode(errors="replace")
    if not name.startswith("blk.") or not name.endswith(".weight") or inputs.type != _F32:
        return not asks
    if not asks:
        squares = _found.setdefault(name, _Squares(matrix.ne[2], matrix.ne[0]))
        _count(squares, inputs.array(np.float32), tensor if operation == "MUL_MAT_ID" else None)
    return True


def _count(squares: _Squares, inputs: npt.NDArray[np.float32], mixture: _Tensor | None) -> None:
    if mixture is None:
        squares.add(inputs.reshape(-1, inputs.shape[-1]))
        return
    chosen = mixture.source(2).array(np.int32)[0, 0]  # (tokens, experts used)
    for used in range(chosen.shape[1]):
        squares.add_for(chosen[:, used], inputs[0, :, used % inputs.shape[2]])


def main() -> None:
    """Be the child."""
    serve_job(_job)


def _job(request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    path = Path(request["path"])
    header = read_header(path)
    length = min(_CONTEXT_TOKEN_COUNT, shape_of(header).context_token_count)
    with loaded(path, context_token_count=length, extra_buffers=False, listener=_listen) as model:
        pieces = windows(model, [Text(**text) for text in request["texts"]], length)
        for done, window in enumerate(pieces):
            for _ in model.read_all(window.tokens):
                pass
            progress("calibrating", done + 1, len(pieces))
    _check(header)
    means: dict[str, Any] = {name: squares.mean() for name, squares in _found.items()}
    np.savez(request["target"], **means)
    return {"tensor_count": len(_found), "token_count": sum(len(window.tokens) for window in pieces)}


def _check(header: Header) -> None:
    """Every matrix must have been heard, in its own width: else ggml lays its tensors out in another way."""
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    odd = [name for name, squares in _found.items() if shapes.get(name, ())[:1] != squares.sums.shape[1:]]
    broken = [name for name, squares in _found.items() if not np.isfinite(squares.sums).all()]
    if not _found or odd or broken:
        raise Refused(
            f"llama.cpp's computation could not be followed ({len(_found)} matrices heard; odd {odd[:2]}, "
            f"not finite {broken[:2]}); quantise without --prompts"
        )


if __name__ == "__main__":
    main()
