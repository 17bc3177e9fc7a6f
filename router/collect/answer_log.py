"""The log of answers beside the outcomes: appended one by one, so that whatever ends a run loses none.

Decides what is kept and when it is safe: against the process's death at once, against the machine's
within a second. Refuses answers of a tier that has changed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pydantic import ValidationError

from router.collect.answers import Answer, Failure, Slot
from router.collect.errors import CollectError
from router.collect.log_line import (
    AnswerLine,
    FailureLine,
    GradeLine,
    HeadLine,
    TierLine,
    parse_line,
)
from router.collect.settings import TierPrint
from router.outcomes.write import as_line

_SYNC_EVERY_S = 1.0


class AnswerLog:
    """What was answered so far, and the file that keeps it. Use it within ``with``.

    ``answers`` and ``failures`` by slot: an answer takes a failure's place. ``grades`` by grader and
    slot. ``spent_usd_micros`` is what all answers together cost; ``other_signals`` names tiers whose
    earlier answers were measured by other code.
    """

    def __init__(self, path: Path, *, temperature: float) -> None:
        self.path = path
        self.answers: dict[Slot, Answer] = {}
        self.failures: dict[Slot, Failure] = {}
        self.grades: dict[tuple[str, Slot], float] = {}
        self.spent_usd_micros = 0
        self.other_signals: set[str] = set()
        self._temperature = temperature
        self._tiers: dict[str, TierLine] = {}
        self._file: IO[bytes] | None = None
        self._synced_s = 0.0

    def __enter__(self) -> Self:
        """Open the file and read it back.

        Raises CollectError where it is another's, damaged, or written by another process now.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b")
        try:
            self._lock()
            self._read()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sync()
        self._opened.close()

    def begin(self, tiers: Mapping[str, TierPrint]) -> None:
        """Let these tiers answer. Raises CollectError where one has changed since it answered last."""
        for tier, now in tiers.items():
            before = self._tiers.get(tier)
            if before is not None and before.fingerprint != now.fingerprint:
                raise CollectError(
                    f"{self.path}: its answers of tier {tier!r} come from another configuration (its model, "
                    "options, limits or price changed); collect into another --out, or delete this file to "
                    "begin anew"
                )
            if before is not None and before.signals != now.signals:
                self.other_signals.add(tier)
            if before is None:
                line = TierLine(tier=tier, fingerprint=now.fingerprint, signals=now.signals)
                self._tiers[tier] = line
                self._append(line.model_dump())

    def answered(self, slot: Slot, answer: Answer) -> None:
        """Keep an answer."""
        line = AnswerLine(
            key=slot.key,
            tier=slot.tier,
            sample=slot.sample,
            text=answer.text,
            signals=dict(answer.signals),
            output_token_count=answer.output_token_count,
            cost_usd_micros=answer.cost_usd_micros,
            latency_s=round(answer.latency_s, 6),
        )
        self._take(line)
        self._append(line.model_dump())

    def failed(self, slot: Slot, failure: Failure) -> None:
        """Keep a failure; it is tried again when the run is resumed."""
        line = FailureLine(key=slot.key, tier=slot.tier, sample=slot.sample, failure=failure.reason)
        self._take(line)
        self._append(line.model_dump())

    def graded(self, grader: str, slot: Slot, grade: float) -> None:
        """Keep a grade that was dear to come by."""
        line = GradeLine(key=slot.key, tier=slot.tier, sample=slot.sample, grader=grader, grade=grade)
        self._take(line)
        self._append(line.model_dump())

    @property
    def _opened(self) -> IO[bytes]:
        assert self._file is not None, "the log is used outside of `with`"
        return self._file

    def _lock(self) -> None:
        if os.name == "nt":
            return
        import fcntl

        try:
            fcntl.flock(self._opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise CollectError(f"{self.path}: another process collects into it; let it end first") from exc

    def _read(self) -> None:
        file = self._opened
        file.seek(0)
        whole = file.read()
        kept = whole[: whole.rfind(b"\n") + 1]
        if len(kept) < len(whole):  # a process died while it wrote its last line
            file.truncate(len(kept))
        lines = kept.splitlines()
        if not lines:
            self._append(HeadLine(temperature=self._temperature).model_dump())
            return
        self._check_head(lines[0])
        for number, line in enumerate(lines[1:], start=2):
            try:
                self._take(parse_line(json.loads(line)))
            except (ValueError, RecursionError) as exc:
                raise CollectError(
                    f"{self.path}:{number}: it is damaged: {type(exc).__name__}; delete the line to have its "
                    "answer collected again"
                ) from exc

    def _check_head(self, line: bytes) -> None:
        try:
            head = HeadLine.model_validate_json(line)
        except ValidationError as exc:
            raise CollectError(
                f"{self.path}:1: it is no log of answers of this version; name another --out"
            ) from exc
        if head.temperature != self._temperature:
            raise CollectError(
                f"{self.path}: its samples were drawn at temperature {head.temperature:g}, not "
                f"{self._temperature:g}; give that --temperature, or another --out"
            )

    def _take(self, line: TierLine | AnswerLine | FailureLine | GradeLine) -> None:
        match line:
            case TierLine():
                self._tiers[line.tier] = line
            case AnswerLine():
                self.answers[line.slot()] = line.answer()
                self.failures.pop(line.slot(), None)
                self.spent_usd_micros += line.cost_usd_micros
            case FailureLine():
                self.failures[line.slot()] = Failure(line.failure)
            case GradeLine():
                self.grades[line.grader, line.slot()] = line.grade

    def _append(self, document: dict[str, Any]) -> None:
        self._opened.write(as_line(document).encode("utf-8", "replace") + b"\n")
        self._opened.flush()
        if time.monotonic() - self._synced_s > _SYNC_EVERY_S:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self._opened.fileno())
        self._synced_s = time.monotonic()
