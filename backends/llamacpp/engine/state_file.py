"""How one state lies in a file: a line of JSON that says what it is, its tokens, its bytes.

A file is written beside its place and then moved there, so it is whole or not there; what the machine
lost at a power cut is found out by the hash when it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backends.llamacpp.engine.slots import State
from backends.serving.prefix_cache import Tokens

SUFFIX = ".state"
PART_SUFFIX = ".part"
# A header is some 300 bytes; what is longer is none.
_MAX_HEADER_BYTE_COUNT = 4096


class Header(BaseModel):
    """What a file holds. ``layout`` is of the engine that computed it, ``sha256`` of tokens and state."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    layout: str
    adapter: str | None
    token_count: int = Field(ge=1)
    state_byte_count: int = Field(ge=1)
    sha256: str


@dataclass(frozen=True, slots=True)
class StateFile:
    """A state that lies in the file at ``path``, with the tokens that it belongs to."""

    path: Path
    header: Header
    tokens: Tokens


def name_of(layout: str, adapter: str | None, tokens: Tokens) -> str:
    """The name of a file: equal states have equal names, and a layout's names begin alike."""
    digest = hashlib.sha256(f"{layout} {adapter} ".encode() + tokens.tobytes()).hexdigest()
    return f"{layout[:16]}-{digest[:32]}{SUFFIX}"


def write_state(folder: Path, layout: str, adapter: str | None, tokens: Tokens, state: State) -> StateFile:
    """Write a state into ``folder``, readable for nobody else; raises OSError."""
    header = Header(
        layout=layout,
        adapter=adapter,
        token_count=len(tokens),
        state_byte_count=state.nbytes,
        sha256=_digest(tokens, state),
    )
    path = folder / name_of(layout, adapter, tokens)
    draft = path.with_suffix(f".{os.getpid()}{PART_SUFFIX}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(header.model_dump_json().encode() + b"\n")
            file.write(tokens.tobytes())
            file.write(state.data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return StateFile(path, header, tokens)


def read_header(path: Path) -> StateFile:
    """Read what the file at ``path`` holds but the state; raises OSError, and ValueError if it is none."""
    with path.open("rb") as file:
        line = file.readline(_MAX_HEADER_BYTE_COUNT)
        try:
            header = Header.model_validate(json.loads(line))
        except (ValidationError, RecursionError) as exc:
            raise ValueError("it does not begin as a state does") from exc
        size = len(line) + 4 * header.token_count + header.state_byte_count
        if path.stat().st_size != size:
            raise ValueError(f"it has {path.stat().st_size} bytes instead of {size}")
        tokens = np.frombuffer(file.read(4 * header.token_count), np.int32)
    return StateFile(path, header, tokens)


def read_state(file: StateFile) -> State:
    """Read the state itself; raises OSError, and ValueError where it is not what was written."""
    state = np.fromfile(file.path, np.uint8)[-file.header.state_byte_count :]
    if _digest(file.tokens, state) != file.header.sha256:
        raise ValueError("its hash is another one than when it was written")
    return state


def _digest(tokens: Tokens, state: State) -> str:
    digest = hashlib.sha256(tokens.tobytes())
    digest.update(state.data)
    return digest.hexdigest()
