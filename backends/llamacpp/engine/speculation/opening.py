"""Makes what guesses, as the options say and the model allows."""

from __future__ import annotations

import logging
from pathlib import Path

from backends.llamacpp.engine.footprint import warm_up
from backends.llamacpp.engine.speculation.draft_model import DraftModel, check_vocabulary
from backends.llamacpp.native import Native, open_model
from backends.llamacpp.options import LlamaCppOptions
from backends.serving.speculation.gate import Gate
from backends.serving.speculation.lookup import Lookup
from backends.serving.speculation.speculation import Speculation

logger = logging.getLogger(__name__)


def open_speculation(
    native: Native, options: LlamaCppOptions, *, extra_buffers: bool
) -> tuple[Speculation | None, int]:
    """Return what guesses for ``native``, None where nobody may, and the bytes that its model takes.

    Guesses that were wrong must be taken back, which recurrent memory cannot, and positions must be those
    of the text, which they are not behind attention sinks. Raises Unavailable where the draft model cannot
    be loaded or has another vocabulary.
    """
    if options.speculation == "off" or options.attention_sink_token_count is not None:
        return None, 0
    if not native.forgets_tails:
        if options.draft_model is not None:
            logger.warning("draft_model is not used: this model's memory cannot take guesses back")
        return None, 0
    if options.draft_model is None:
        return Speculation(Lookup(), Gate(), native.context_token_count), 0
    small = open_model(Path(options.draft_model), options, extra_buffers=extra_buffers)
    try:
        byte_count = warm_up(small)
        check_vocabulary(native, small)
    except BaseException:
        small.free()
        raise
    return Speculation(DraftModel(small), Gate(), native.context_token_count), byte_count
