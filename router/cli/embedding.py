"""What ``--embed`` of several verbs does: an encoder reads all prompts before anything is learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from policies.difficulty.embedded import EncoderIdentity
    from policies.outcomes import OutcomeRecord

Embed = Annotated[
    str | None,
    typer.Option(
        "--embed",
        metavar="NAME|FOLDER",
        help="Also learn from what this text encoder of transformers makes of prompts, where it pays.",
    ),
]


def embedded(
    records: list[OutcomeRecord], model: str | None, *, int8: bool = True
) -> tuple[list[OutcomeRecord], EncoderIdentity | None]:
    """Return the records with embeddings by ``model``, and whose they are; as they are where it is None."""
    if model is None:
        return records, None
    from asyncio import run

    from backends.encoder.encoder import EncoderSettings, TextEncoder
    from backends.errors import BackendError
    from router.outcomes.embedding import with_embeddings

    try:
        return run(with_embeddings(records, TextEncoder(EncoderSettings(model, int8=int8))))
    except BackendError as exc:
        raise Fault(str(exc), code=ExitCode.WRONG, reason="USAGE") from exc
