"""Lets a text encoder read the prompts whose words leave open how hard they are, if that is quick.

Decides who is read and how long is waited; what is not read in time stays predicted by its words. Under
a certificate nothing is read: it was tested without. Refuses to know how predictions are joined.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from backends.errors import BackendError
from policies.artefact import ArtefactError
from policies.difficulty.embedded import Embedded
from router.plan import Plan, Rung

_LOG = logging.getLogger(__name__)


class Encoder(Protocol):
    """An embedder that can say whose weights it has; see :class:`backends.base.Embedder`."""

    @property
    def sha256(self) -> str:
        """Of weights and vocabulary, once it has started."""
        ...

    async def start(self) -> None:
        """Load it."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector for each text."""
        ...


@dataclass(frozen=True, slots=True)
class Looks:
    """How many plans were looked at again: ``read`` in time, ``late``, and passed over while ``busy``."""

    read: int = 0
    late: int = 0
    busy: int = 0


class SecondLook:
    """Reads one prompt at a time; who comes while another is read is not kept waiting.

    So an encoder that is slower than ``time_limit_s`` never computes for more than one request.
    """

    def __init__(self, embedded: Embedded, encoder: Encoder, time_limit_s: float) -> None:
        self._embedded = embedded
        self._encoder = encoder
        self._time_limit_s = time_limit_s
        self._reading: asyncio.Task[list[list[float]]] | None = None
        self.looks = Looks()

    async def start(self) -> None:
        """Load the encoder; raises ArtefactError where it cannot be, or is not the one learnt from."""
        try:
            await self._encoder.start()
        except BackendError as exc:
            raise ArtefactError(str(exc)) from exc
        learnt_from = self._embedded.encoder
        if self._encoder.sha256 != learnt_from.sha256:
            raise ArtefactError(
                f"difficulty.encoder has SHA-256 {self._encoder.sha256} and {learnt_from.sha256} "
                f"({learnt_from.name}) was learnt from; name that one, or calibrate again with this one"
            )

    async def close(self) -> None:
        """Free the encoder."""
        if self._reading is not None:
            await asyncio.wait({self._reading})
        await self._encoder.close()

    async def look(self, plan: Plan) -> Plan:
        """Return ``plan`` with what the encoder makes of the prompt, or as it is."""
        words = {rung.tier.name: rung.estimate.quality for rung in plan.rungs}
        if plan.permit is not None or not self._embedded.is_uncertain(words):
            return plan
        if self._reading is not None and not self._reading.done():
            self.looks = replace(self.looks, busy=self.looks.busy + 1)
            return plan
        embedding = await self._embedding(plan.request.prompt.text)
        if embedding is None:
            self.looks = replace(self.looks, late=self.looks.late + 1)
            return plan
        self.looks = replace(self.looks, read=self.looks.read + 1)
        found = self._embedded.qualities(words, np.array(embedding))
        return replace(plan, rungs=tuple(_revised(rung, found) for rung in plan.rungs))

    async def _embedding(self, text: str) -> list[float] | None:
        """What the encoder makes of ``text``; None: not in time, or nothing."""
        reading = asyncio.ensure_future(self._encoder.embed([text]))
        reading.add_done_callback(_note_failure)
        self._reading = reading
        await asyncio.wait({reading}, timeout=self._time_limit_s)
        is_read = reading.done() and not reading.cancelled() and reading.exception() is None
        return reading.result()[0] if is_read else None


def _note_failure(reading: asyncio.Future[list[list[float]]]) -> None:
    if not reading.cancelled() and reading.exception() is not None:
        _LOG.warning("the encoder gave nothing (%s)", type(reading.exception()).__name__)


def _revised(rung: Rung, qualities: dict[str, float]) -> Rung:
    quality = qualities.get(rung.tier.name)
    return rung if quality is None else replace(rung, estimate=replace(rung.estimate, quality=quality))
