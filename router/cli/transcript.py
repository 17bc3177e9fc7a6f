"""How the events of an answer are shown: as they come to people, and as a whole to programs."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from router.events import AttemptRejected, AttemptReport, AttemptStarted, Decided, Outcome, TextDelta
from router.rpc.client import Answer, StreamEvent

_MARKS = {
    Outcome.ACCEPTED: ("✓", "green"),
    Outcome.REJECTED: ("↗", "yellow"),
    Outcome.FAILED: ("✗", "red"),
}


class JsonAccount:
    """Prints the decision and the answer as one object when the answer is there."""

    def __init__(self) -> None:
        self._decided: Decided | None = None

    def hear(self, event: StreamEvent) -> None:
        """Take an event."""
        if isinstance(event, Decided):
            self._decided = event
        elif isinstance(event, Answer):
            account = asdict(event) | {"decision": self._decided and asdict(self._decided)}
            print(json.dumps(account, ensure_ascii=False))


class Transcript:
    """Prints text to standard output and the way that it took to standard error."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._shown = ""
        self._account = Console(stderr=True, highlight=False)

    def hear(self, event: StreamEvent) -> None:
        """Take an event."""
        match event:
            case TextDelta() if self._live:
                self._print(event.text)
            case AttemptStarted():
                self._note(f"{event.tier} … ")
            case AttemptRejected():
                self._withdraw(event)
            case Answer():
                self._print(event.text if not self._live else "")
                print()
                self._account.print(summary(event), soft_wrap=True)

    def _print(self, text: str) -> None:
        self._shown += text
        print(text, end="", flush=True)

    def _withdraw(self, event: AttemptRejected) -> None:
        if self._shown:
            print(flush=True)
            self._account.print(f"[yellow]withdrawn: {event.reason}[/]")
            self._shown = ""

    def _note(self, text: str) -> None:
        if self._account.is_terminal and not self._shown:
            self._account.print(f"[dim]{text}[/]", end="\r")


def summary(answer: Answer) -> Text:
    """One line: every attempt, what it cost in all, how long it took, and what it was decided under."""
    line = Text()
    for report in answer.attempts:
        line.append_text(_attempt(report)).append("  ")
    line.append(f"${answer.cost_usd:.6f}  {answer.latency_s * 1000:.0f} ms  ", style="dim")
    if answer.energy is not None:
        line.append(f"{answer.energy.joules:.3g} J {answer.energy.source}  ", style="dim")
    covered = f"  certificate {answer.certificate_id}" if answer.certificate_id else ""
    return line.append(f"{answer.policy}{covered}  {answer.request_id}", style="dim")


def _attempt(report: AttemptReport) -> Text:
    mark, style = _MARKS[report.outcome]
    confidence = "" if report.confidence is None else f" {report.confidence:.2f}"
    return Text(f"{report.tier}{confidence} {mark} {report.reason}", style=style)
