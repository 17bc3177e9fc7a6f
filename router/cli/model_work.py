"""What the verbs of ``upshift models`` share: bars for long work, and how its failures end a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from backends.llamacpp.models.progress import Progress


@contextmanager
def faults() -> Iterator[None]:
    """Turn what goes wrong below into how a command ends."""
    from backends.errors import BackendError, Refused

    try:
        yield
    except Refused as exc:
        raise Fault(str(exc), code=ExitCode.WRONG, reason="REFUSED") from exc
    except BackendError as exc:
        raise Fault(str(exc), code=ExitCode.UNAVAILABLE, reason="UNAVAILABLE") from exc
    except ModuleNotFoundError as exc:
        extra = "moe" if exc.name in {"torch", "transformers"} else "llamacpp"
        message = f"the package {exc.name} is missing; pip install 'upshift[{extra}]'"
        raise Fault(message, reason="MISSING_PACKAGE") from exc


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Show on standard error how far long work is."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = Progress(*columns, console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}

    def advance(what: str, done: int, total: int) -> None:
        if what not in tasks:
            shown.start()
            tasks[what] = shown.add_task(what, total=None)
        shown.update(tasks[what], completed=done, total=total or None)

    try:
        yield advance
    finally:
        if tasks:
            shown.stop()
