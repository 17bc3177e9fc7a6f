"""Lets an encoder read the prompts of records, before something is learnt from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backends.encoder.encoder import TextEncoder
from policies.difficulty.embedded import EncoderIdentity
from policies.outcomes import OutcomeRecord


async def with_embeddings(
    records: Sequence[OutcomeRecord], encoder: TextEncoder
) -> tuple[list[OutcomeRecord], EncoderIdentity]:
    """Return the records with embeddings, and whose these are; starts and closes ``encoder``.

    A prompt takes a few milliseconds to some tens. Raises BackendError.
    """
    try:
        await encoder.start()
        vectors = await encoder.embed([record.prompt.text for record in records])
        settings = encoder.settings
        identity = EncoderIdentity(settings.model, encoder.sha256, settings.token_limit)
    finally:
        await encoder.close()
    read = [
        replace(record, embedding=np.array(vector)) for record, vector in zip(records, vectors, strict=True)
    ]
    return read, identity
