"""What the configuration says of personal data: what is looked for, and what of a prompt may leave.

Decides tags and clearance, before anything runs. Refuses to hold anybody to it, which the border does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backends.types import Clearance, Terms
from policies.pii.scan import tags_of
from policies.registry import DETECTORS
from router.privacy.spoken import spoken
from router.request import Constraints, Request


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """``detect`` names the kinds of data that tag a request, ``redact`` those that stand-ins replace.

    Stand-ins are used where ``redact_external``, the policy or the request says so.
    """

    detect: tuple[str, ...] = ()
    redact: tuple[str, ...] = tuple(sorted(DETECTORS.builtin))
    redact_external: bool = False

    def tagged(self, request: Request) -> Request:
        """The request with tags for the personal data in its prompt."""
        if not self.detect:
            return request
        tags = tags_of(spoken(request.prompt.messages), self.detect)
        return replace(request, tags=request.tags | tags) if tags else request

    def cleared(self, request: Request, constraints: Constraints) -> Request:
        """The request with a prompt that says, as every one made from it, where it may go.

        ``constraints`` are those that hold in the end.
        """
        redact = self.redact if self.redact_external or constraints.redact else ()
        prompt = replace(
            request.prompt,
            clearance=Clearance(may_leave=not constraints.local_only, redact=redact),
            terms=Terms(
                tags=tuple(sorted(request.tags)),
                request_id=request.id,
                traceparent=request.traceparent,
                hop_count=request.hop_count,
                session=request.session,
            ),
        )
        return replace(request, prompt=prompt)
