"""What is written down of a call that failed, at whichever door it came in.

Decides that an unforeseen error leaves its kind and its place, and no word of its own: those may quote a
prompt.
"""

from __future__ import annotations

import logging
import traceback

from router.rpc.seam import Call


def log_failure(
    log: logging.Logger, error: BaseException, reason: str, call: Call, *, is_foreseen: bool
) -> None:
    """Write to ``log`` how ``call`` ended; what was foreseen is no news."""
    trace = call.traceparent or "-"
    if is_foreseen:
        log.info("request %s trace %s ends in %s", call.request_id, trace, reason)
        return
    log.error(
        "request %s trace %s ends in an unforeseen %s at\n%s",
        call.request_id,
        trace,
        type(error).__name__,
        "".join(traceback.format_tb(error.__traceback__)),
    )
