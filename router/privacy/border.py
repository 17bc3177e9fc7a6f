"""The one way from a tier to its model: what may not leave this machine is refused here.

Whatever asks a tier (attempts, retries, samples, probes, audits, drafts) comes through here, and what it asks
must say itself that it may leave: a prompt that nobody cleared stays. Refuses to know policies.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from backends.base import Backend, Embedder, Loaded
from backends.errors import Refused
from backends.load import Load
from backends.types import Capabilities, Completion, Delta, Prompt
from router.privacy.disguise import Disguise


class Border:
    """``backend`` as its tier may use it: a :class:`backends.base.Backend` too, and nothing else of it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        # Found out once: asking a protocol at every request takes longer than the decision.
        self._loaded = backend if isinstance(backend, Loaded) else None
        self._embedder = backend if isinstance(backend, Embedder) else None

    @property
    def capabilities(self) -> Capabilities:
        """Those of the backend."""
        return self._backend.capabilities

    @property
    def load(self) -> Load | None:
        """How busy the model is; None where the backend cannot say."""
        load = None if self._loaded is None else self._loaded.load
        # One of somebody else may have something else of that name.
        return load if isinstance(load, Load) else None

    async def start(self) -> None:
        """Start the backend."""
        await self._backend.start()

    async def close(self) -> None:
        """Close the backend."""
        await self._backend.close()

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of ``prompt`` as it is; stand-ins take about as many. Sends nothing anywhere."""
        return self._backend.count_tokens(prompt)

    @property
    def embeds(self) -> bool:
        """Whether it turns texts into vectors; external ones are not asked to."""
        return self._embedder is not None and not self.capabilities.external

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text. Raises Refused where the backend does not embed on this machine."""
        if self._embedder is None or self.capabilities.external:
            raise Refused("the tier turns no texts into vectors on this machine")
        return await self._embedder.embed(texts)

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt``; an external backend sees it only as far as its clearance allows.

        Raises Refused at once for what may not leave.
        """
        if not self.capabilities.external:
            return self._backend.stream(prompt, timeout_s=timeout_s)
        if not prompt.clearance.may_leave:
            raise Refused("the prompt must stay on this machine, and the tier is external")
        if not prompt.clearance.redact:
            return self._backend.stream(prompt, timeout_s=timeout_s)
        return Disguise(prompt).stream(self._backend, timeout_s)
