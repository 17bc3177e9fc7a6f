"""An encoder that reads the beginning of a text and says what it is about: a vector of length 1.

Decides how much is read and how states become one vector (their mean). Refuses to know what for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from backends.errors import Refused, Unavailable

_BATCH = 32
"""Texts that are read at once; those of one length cost least together."""


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """Which encoder: ``model`` is a folder or a name on the hub.

    Of a text the first ``token_limit`` tokens are read; ``int8``: in eight bits where this machine can.
    """

    model: str
    token_limit: int = 64
    int8: bool = True


class TextEncoder:
    """A :class:`backends.base.Embedder` on a thread of its own: one text after the other, in order.

    Weights come from safetensors alone, and no code that lies beside them is run. Cancelling ``embed``
    takes a text that has not been begun out of the queue; one that was begun is finished and forgotten.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        self.settings = settings
        self._loaded: _Loaded | None = None
        self._thread = ThreadPoolExecutor(1, "upshift-encoder")

    @property
    def sha256(self) -> str:
        """Of weights and vocabulary, in hexadecimal; "" until it has started."""
        return "" if self._loaded is None else self._loaded.sha256

    async def start(self) -> None:
        """Load it; raises Unavailable."""
        self._loaded = await asyncio.get_running_loop().run_in_executor(self._thread, _load, self.settings)

    async def close(self) -> None:
        """Wait for the text that is being read, and free everything."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        self._loaded = None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text; raises Refused where one has no tokens."""
        loaded = self._loaded
        if loaded is None:
            raise Unavailable("the encoder has not been started; start it first")
        return await asyncio.get_running_loop().run_in_executor(self._thread, loaded.embed, list(texts))


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Model and tokenizer of transformers."""

    model: Any
    tokenizer: Any
    token_limit: int
    sha256: str

    def embed(self, texts: list[str]) -> list[list[float]]:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found: list[list[float]] = [[] for _ in texts]
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            for place, vector in zip(places, self._batch([texts[place] for place in places]), strict=True):
                found[place] = vector
        return found

    def _batch(self, texts: list[str]) -> list[list[float]]:
        import torch

        tokens = self.tokenizer(
            texts, truncation=True, max_length=self.token_limit, padding=True, return_tensors="pt"
        )
        read = tokens["attention_mask"][..., None]
        if not bool(read.any(dim=1).all()):
            raise Refused("a text without tokens has no embedding; send at least one")
        with torch.inference_mode():
            states = self.model(**tokens).last_hidden_state
            mean = (states * read).sum(dim=1) / read.sum(dim=1)
            vectors: list[list[float]] = torch.nn.functional.normalize(mean).tolist()
        return vectors


def _load(settings: EncoderSettings) -> _Loaded:
    """Load model and tokenizer; raises Unavailable, which says how transformers put it."""
    try:
        from transformers import AutoModel, AutoTokenizer

        from backends.encoder.int8 import in_bytes, is_possible

        tokenizer = AutoTokenizer.from_pretrained(settings.model, trust_remote_code=False)
        model = AutoModel.from_pretrained(settings.model, use_safetensors=True, trust_remote_code=False)
        model = model.float().eval()
        fingerprint = _fingerprint(model, tokenizer)
        if settings.int8 and is_possible():
            in_bytes(model)
    except Exception as exc:
        raise Unavailable(
            f"cannot load the encoder {settings.model!r}: {type(exc).__name__}: {exc}; it takes a folder or "
            "a name that transformers' AutoModel loads, and pip install 'upshift[moe]'"
        ) from exc
    return _Loaded(model, tokenizer, settings.token_limit, fingerprint)


def _fingerprint(model: Any, tokenizer: Any) -> str:
    """Hash weights by name and the vocabulary by word, wherever they were loaded from."""
    found = sha256(repr(sorted(tokenizer.get_vocab().items())).encode())
    for name, values in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(values.contiguous().numpy().tobytes())
    return found.hexdigest()
