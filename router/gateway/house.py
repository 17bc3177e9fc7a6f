"""What every endpoint of the gateway stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.rpc.authentication import Authenticator
from router.rpc.calls import CallListener
from router.rpc.places import Places
from router.rpc.rules import Known
from router.rpc.seam import Core


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken: bytes of a body and of the text in it, and seconds where the caller sets none."""

    body_byte_count: int
    text_byte_count: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class House:
    """The core behind the door, and the door's rules, which are those of gRPC's door too.

    ``authenticator`` None: anybody may call. ``listeners`` hear of every request that ended, refused ones
    too.
    """

    core: Core
    limits: Limits
    places: Places
    authenticator: Authenticator | None = None
    listeners: Sequence[CallListener] = ()

    def known(self) -> Known:
        """What requests are checked against, as it is now."""
        return Known(self.core.tier_names(), self.core.policy_names(), self.limits.text_byte_count)
