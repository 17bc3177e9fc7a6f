"""Headers of model files that we read ourselves."""

from __future__ import annotations

from backends.errors import BackendError
from backends.llamacpp.engine import state_file
from backends.llamacpp.models.convert.weights import _places
from backends.llamacpp.models.header import read_header
from tests.fuzz.target import Target, in_file

TARGETS = (
    Target(
        "prefix_cache",
        in_file(state_file.read_header),
        (ValueError, OSError),
        b'"version":~"token_count":~"sha256":"',
    ),
    Target(
        "gguf",
        in_file(read_header, ".gguf"),
        (BackendError,),
        b"GGUF~general.alignment~tokenizer.ggml.tokens",
    ),
    Target(
        "safetensors",
        in_file(_places, ".safetensors"),
        (BackendError,),
        b'"dtype":"F32"~"shape":[~"data_offsets":[0,~"__metadata__":',
    ),
)
