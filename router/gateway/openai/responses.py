"""``POST /v1/responses``."""

from __future__ import annotations

import time

from router.gateway.account import DEBUG_HEADER, account_headers
from router.gateway.body import dump, read
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.openai.responses_answer import EventWriter, Shape
from router.gateway.openai.responses_body import ResponsesBody
from router.gateway.running import answers, events_of, requests
from router.gateway.streaming import stream
from router.rpc.seam import Call


class Responses:
    """Answers responses, whole or streamed."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Answer one body. Raises RoutingError."""
        body = read(ResponsesBody, raw)
        asked = requests([body.asking(exchange.headers)], call, self._house)
        debug = DEBUG_HEADER in exchange.headers
        shape = Shape(body, call.request_id, int(time.time()))
        if body.stream:
            writer = EventWriter(shape, debug=debug)
            await stream(events_of(asked, self._house), (writer,), exchange)
            return
        (answered,) = await answers(asked, self._house)
        headers = account_headers(answered.decided, answered.result, debug=debug)
        await exchange.reply(200, dump(shape.complete(answered, debug=debug)), headers)
