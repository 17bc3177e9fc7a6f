"""``POST /v1/chat/completions``."""

from __future__ import annotations

import time

from router.gateway.account import DEBUG_HEADER, account_headers
from router.gateway.body import dump, read
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.openai.chat_answer import DONE, ChunkWriter, completion
from router.gateway.openai.chat_body import ChatBody
from router.gateway.running import answers, events_of, requests
from router.gateway.streaming import stream
from router.rpc.seam import Call


class ChatCompletions:
    """Answers chat completions, whole or streamed."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Answer one body. Raises RoutingError."""
        body = read(ChatBody, raw)
        asked = requests(
            [body.asking(exchange.headers, index=index) for index in range(body.n or 1)], call, self._house
        )
        debug = DEBUG_HEADER in exchange.headers
        created = int(time.time())
        if body.stream:
            writers = tuple(ChunkWriter(call.request_id, created, i, debug=debug) for i in range(len(asked)))
            await stream(
                events_of(asked, self._house),
                writers,
                exchange,
                lambda answered: (writers[0].usage(answered) if body.includes_usage else b"") + DONE,
            )
            return
        answered = await answers(asked, self._house)
        headers = account_headers(answered[0].decided, answered[0].result, debug=debug)
        found = completion(answered, call.request_id, created, debug=debug)
        await exchange.reply(200, dump(found), headers)
