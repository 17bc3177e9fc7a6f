"""``POST /v1/embeddings``."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Sequence

from router.embedding import Texts
from router.gateway.body import dump, read
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.openai.embeddings_body import EmbeddingsBody
from router.gateway.wishes import AUTO
from router.rpc.seam import Call


class Embeddings:
    """Turns texts into vectors."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Answer one body. Raises RoutingError."""
        body = read(EmbeddingsBody, raw)
        tier = None if body.model == AUTO else body.model
        texts = Texts(body.texts, call.timeout_s, tier, call.tenant(""))
        embedded = await self._house.core.embed(texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(vector, body.encoding_format)}
            for index, vector in enumerate(embedded.vectors)
        ]
        count = embedded.input_token_count
        found = {
            "object": "list",
            "data": data,
            "model": embedded.tier,
            "usage": {"prompt_tokens": count, "total_tokens": count},
        }
        await exchange.reply(200, dump(found), [("x-upshift-tier", embedded.tier)])


def _encoded(vector: Sequence[float], form: str) -> str | Sequence[float]:
    """The numbers, or their 32-bit floats in base 64, which OpenAI's client asks for by itself."""
    if form == "float":
        return vector
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
