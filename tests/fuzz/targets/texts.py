"""Texts that are read for what they mean: personal data, stop strings, thoughts, what came beside a call."""

from __future__ import annotations

import math

from backends.answer_text import AnswerText
from backends.types import Message, Prompt, Role
from policies.features import features_of
from policies.pii.restoration import Opening, RestoredText
from policies.pii.scan import scan
from policies.pii.stand_ins import redacted
from policies.registry import DETECTORS, SIGNALS
from policies.signals.base import Answer, measure_all
from tests.fuzz.target import Target, cut

_KINDS = DETECTORS.names()
_SIGNALS = [SIGNALS.load(name)() for name in SIGNALS.names()]
_VALUES = (
    b"ada@example.org~4111 1111 1111 1111~DE89370400440532013000~+49 30 901820~078-05-1120~"
    b"192.0.2.44~sk-abcdefghijklmnopqrstuvwxyz~<EMAIL_1>~<CARD_1~2001:db8::1~"
    b"-----BEGIN PRIVATE KEY-----"
)


def _personal(data: bytes) -> None:
    """What is hidden comes back, however the stream is cut, and none of it was left."""
    whole, pieces = cut(data)
    text = whole.decode(errors="replace")
    (hidden,), stand_ins = redacted([text], _KINDS)
    size = len(pieces[0]) if pieces else 1
    stream = RestoredText(stand_ins, Opening(stand_ins))
    parts = [stream.feed(hidden[start : start + size]) for start in range(0, len(hidden), size)]
    assert "".join([*parts, stream.finish()]) == text
    assert len(stand_ins.spans(hidden)) == len(scan(text, _KINDS))


def _stops(data: bytes) -> None:
    """However the stream is cut, the answer and the thoughts before it are the same."""
    whole, pieces = cut(data)
    if not whole.isascii():
        return
    assert _told(pieces) == _told([whole])


def _told(pieces: list[bytes]) -> tuple[str, str, bool]:
    reader = AnswerText(("END", "\n\n", "</s>"), ("<think>", "</think>"))
    told = [reader.feed(piece.decode()) for piece in pieces]
    told.append(reader.finish())
    return "".join(one.text for one in told), "".join(one.reasoning for one in told), reader.stopped


def _measured(data: bytes) -> None:
    """Every signal and feature of any text is a number."""
    asked, _, said = data.decode(errors="replace").partition("\0")
    prompt = Prompt((Message(Role.USER, asked),))
    values = measure_all(_SIGNALS, Answer(prompt, said)) | features_of(prompt)
    assert all(map(math.isfinite, values.values()))


TARGETS = (
    Target("personal_data", _personal, (), _VALUES),
    Target("answer_text", _stops, (), b"<think>~</think>~END~\n~</s~<th"),
    Target(
        "signals",
        _measured,
        (),
        b"\x00~```~\\boxed{~= ~1,000.5~####~{~A.~\n- ",
    ),
)
