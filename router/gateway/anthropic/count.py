"""``POST /v1/messages/count_tokens``.

Decides whose tokens are counted: those of the tier that would be tried first, which runs nothing for it.
Tiers whose tokenizer is at hand count; others estimate, some four characters a token.
"""

from __future__ import annotations

from router.gateway.anthropic.body import CountBody
from router.gateway.body import dump, read
from router.gateway.exchange import Exchange
from router.gateway.house import House
from router.gateway.running import requests
from router.rpc.seam import Call


class CountTokens:
    """Counts the tokens of a conversation."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, raw: bytes, call: Call, exchange: Exchange) -> None:
        """Answer one body. Raises RoutingError."""
        body = read(CountBody, raw)
        (asked,) = requests([body.asking(exchange.headers)], call, self._house)
        decided = self._house.core.decide(asked)
        count = next(one.input_token_count for one in decided.estimates if one.tier == decided.tier)
        await exchange.reply(200, dump({"input_tokens": count}), [("x-upshift-tier", decided.tier)])
