"""What crosses between those who want answers and the engine that writes them.

Plain data, so that it can cross a process border. Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from backends.errors import BackendError
from backends.types import Caller, ResponseFormat, Sampling, TokenLogprob


@dataclass(frozen=True, slots=True)
class Work:
    """An answer to be written to a prompt of ``tokens``, rendered and not empty.

    ``sampling`` holds a seed; its stop strings and its own limit are the asker's business: the engine
    writes until the model's own end or ``output_limit`` tokens, or until it is cancelled. ``written``
    are tokens of the answer that are known already, from an engine that died: they count towards
    the limit, and are not reported again. ``deadline_s`` is on the clock of ``time.monotonic``, which
    the processes of a machine share. ``adapter`` names a LoRA adapter that the model was opened with.
    """

    id: int
    tokens: tuple[int, ...]
    sampling: Sampling
    output_limit: int
    response_format: ResponseFormat | None = None
    caller: Caller = field(default_factory=Caller)
    adapter: str | None = None
    deadline_s: float | None = None
    written: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Began:
    """The engine reads the prompt of ``id``; ``cached_token_count`` of its tokens it knew."""

    id: int
    cached_token_count: int


@dataclass(frozen=True, slots=True)
class Wrote:
    """One more token of the answer ``id``, in order.

    ``ends``: the model ended the answer with it. After that, or after the last token that
    ``output_limit`` allows, nothing more comes.
    """

    id: int
    token: int
    logprob: TokenLogprob
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer ``id`` is not going to be completed; nothing more comes."""

    id: int
    error: BackendError


Event = Began | Wrote | Failed
