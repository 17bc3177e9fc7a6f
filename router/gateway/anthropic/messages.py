"""``POST /v1/messages``."""

from __future__ import annotations

from router.gateway.account import DEBUG_HEADER, account_headers
from router.gateway.anthropic.answer import EventWriter, message
from router.gateway.anthropic.body import MessagesBody
from router.gateway.body import dump, read
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.running import answers, events_of, requests
from router.gateway.streaming import stream
from router.rpc.seam import Call


class Messages:
    """Answers messages, whole or streamed."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Answer one body. Raises RoutingError."""
        body = read(MessagesBody, raw)
        asked = requests([body.asking(exchange.headers)], call, self._house)
        debug = DEBUG_HEADER in exchange.headers
        if body.stream:
            writer = EventWriter(call.request_id, debug=debug)
            await stream(events_of(asked, self._house), (writer,), exchange)
            return
        (answered,) = await answers(asked, self._house)
        headers = account_headers(answered.decided, answered.result, debug=debug)
        await exchange.reply(200, dump(message(answered, call.request_id, debug=debug)), headers)
