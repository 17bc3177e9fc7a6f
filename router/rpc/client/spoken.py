"""The text of a stream, without its events."""

from __future__ import annotations

import grpc

from router.events import AttemptRejected, TextDelta
from router.rpc.client.answer import StreamEvent
from router.rpc.client.errors import UpshiftError


class Spoken:
    """Follows a stream and says which text may be shown."""

    def __init__(self) -> None:
        self._attempt_number = 0

    def text(self, event: StreamEvent) -> str:
        """Text of ``event``, perhaps none.

        Raises UpshiftError (``TEXT_RETRACTED``) where text already given is void: its tier broke off in
        the middle. Callers that can take text back read the events themselves.
        """
        if isinstance(event, TextDelta):
            self._attempt_number = event.number
            return event.text
        if isinstance(event, AttemptRejected) and event.number == self._attempt_number:
            said = f"attempt {event.number} ended in {event.reason} after text of it was given; ask again"
            raise UpshiftError(grpc.StatusCode.ABORTED, said, reason="TEXT_RETRACTED")
        return ""
