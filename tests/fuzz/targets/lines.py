"""JSON lines: prompts, outcomes, answers that were collected."""

from __future__ import annotations

from pathlib import Path

from router.collect import CollectError, read_prompts
from router.collect.answer_log import AnswerLog
from router.outcomes.errors import OutcomesError
from router.outcomes.read import read_outcomes
from router.outcomes.write import line_of
from tests.fuzz.target import Target, in_file

_WORDS = (
    b'"prompt":~"messages":~"role":"user"~"content":~"outcomes":~"quality":1~"signals":~'
    b'"response_format":~"json_schema":~"tags":["pii"]~"references":~\n~\x1f\x8b'
)


def _outcomes(path: Path) -> None:
    """What was read is written so that it is read again, and is the same."""
    records = read_outcomes(path)
    path.write_text("".join(f"{line_of(record)}\n" for record in records), encoding="utf-8")
    assert read_outcomes(path) == records


def _answers(path: Path) -> None:
    with AnswerLog(path, temperature=0.7):
        pass


TARGETS = (
    Target("prompts", in_file(read_prompts), (CollectError, OutcomesError), _WORDS),
    Target("outcomes", in_file(_outcomes), (OutcomesError,), _WORDS),
    Target(
        "answer_log",
        in_file(_answers),
        (CollectError,),
        b'"fingerprint":~"failure":~"grade":~"key":',
    ),
)
