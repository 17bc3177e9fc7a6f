"""Which tier a conversation is at: known by the calls of tools that it answers, or by the name it was given.

Decides how long that is remembered, and of how many; each process for itself, and nothing on the disk.
Refuses to decide what follows from it: a policy does, and only where no certificate holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backends.types import Message, Role
from policies.arms import tier_of
from router.events import Result
from router.request import Request

# A tool may run for minutes and a person think for longer; after that, the prices of another start are small.
KEPT_S = 3600.0
# About 400 bytes each, so some 20 MB; the one that was longest unheard of is forgotten first.
MAX_COUNT = 50_000


@dataclass(frozen=True, slots=True)
class _Key:
    """``kind`` tells names that callers chose from ids of calls. A policy has its own conversations.

    Else a tier that one policy found good enough would be where another one, which would not have, starts.
    """

    tenant: str
    policy: str
    kind: str
    name: str


class Conversations:
    """What is remembered. ``clock`` is in seconds and never goes back."""

    def __init__(
        self, clock: Callable[[], float], *, kept_s: float = KEPT_S, max_count: int = MAX_COUNT
    ) -> None:
        self._clock = clock
        self._kept_s = kept_s
        self._max_count = max_count
        # By age: what was told last stands last.
        self._tiers: OrderedDict[_Key, tuple[str, float]] = OrderedDict()

    @property
    def count(self) -> int:
        """Names and calls that are remembered."""
        return len(self._tiers)

    def tier(self, request: Request, policy: str) -> str | None:
        """The tier that answered last in the request's conversation under ``policy``; None: not known.

        The tier need not exist any more. What the request's last calls came from tells more than a name.
        """
        now_s = self._clock()
        for key in _asked(request, policy):
            tier, since_s = self._tiers.get(key, ("", -self._kept_s))
            if tier and now_s - since_s < self._kept_s:
                return tier
        return None

    def answered(self, request: Request, result: Result) -> None:
        """Remember where ``request`` was answered, by its name and by the calls that the answer makes."""
        now_s = self._clock()
        calls = (_Key(request.tenant, result.policy, "call", call.id) for call in result.tool_calls)
        for key in (*calls, *_named(request, result.policy)):
            self._tiers[key] = (tier_of(result.tier), now_s)
            self._tiers.move_to_end(key)
        self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        while self._tiers:
            _, (_, since_s) = next(iter(self._tiers.items()))
            if len(self._tiers) <= self._max_count and now_s - since_s < self._kept_s:
                return
            self._tiers.popitem(last=False)


def _asked(request: Request, policy: str) -> Iterator[_Key]:
    for call_id in _answered_calls(request.prompt.messages):
        yield _Key(request.tenant, policy, "call", call_id)
    yield from _named(request, policy)


def _named(request: Request, policy: str) -> Iterator[_Key]:
    if request.session:
        yield _Key(request.tenant, policy, "session", request.session)


def _answered_calls(messages: tuple[Message, ...]) -> Iterator[str]:
    """Ids of the calls of the last turn that made any; they are all of one answer, unless made up."""
    last = next(
        (turn for turn in reversed(messages) if turn.role is Role.ASSISTANT and turn.tool_calls), None
    )
    return (call.id for call in last.tool_calls) if last is not None else iter(())
