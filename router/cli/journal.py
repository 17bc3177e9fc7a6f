"""``upshift journal``: what an operator does with the file of records itself."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.ages import seconds_in
from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from router.journal import Pruned, Retention
    from router.journal.store import Store

app = typer.Typer(
    help="Look after the journal.",
    epilog="""
**Examples**

`upshift journal prune` deletes what `retention_days` and `prompt_retention_days` say is too old.

`upshift journal prune --prompts-older-than 30d --dry-run` counts the prompts that it would delete.

`upshift journal prune --file old.sqlite --older-than 365d` works on any journal.

A server that runs prunes its own journal; stop it to do so by hand.
""",
    rich_markup_mode="markdown",
    invoke_without_command=True,
)

JournalFile = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="The journal; unset: what the configuration names."),
]
ConfigFile = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="FILE", help="The configuration whose journal is meant."),
]
OlderThan = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Delete records that are older, with their feedback: 365d."),
]
PromptsOlderThan = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Delete prompts and answers that are older, and keep the rest: 30d."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]

_COUNT = 1000


@app.callback()
def journal(context: typer.Context) -> None:
    """Show the help where no verb is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def prune(
    older_than: OlderThan = None,
    prompts_older_than: PromptsOlderThan = None,
    dry_run: DryRun = False,
    file: JournalFile = None,
    config: ConfigFile = Path("upshift.yaml"),
    json: given.Json = False,
) -> None:
    """Delete what is too old, and overwrite where it stood."""
    from router.journal import JournalError
    from router.journal.store import Store

    path, retention = _asked(older_than, prompts_older_than, file, config)
    if not path.exists():
        raise _wrong(f"{path}: there is no such journal")
    try:
        store = Store(path)
        try:
            pruned = _pruned(store, retention, time.time(), dry_run=dry_run)
        finally:
            store.close()
    except (JournalError, sqlite3.Error) as exc:
        said = f"{exc}; a server that runs prunes its own journal"
        raise Fault(said, code=ExitCode.UNAVAILABLE, reason="JOURNAL_UNAVAILABLE") from exc
    _tell(path, pruned, dry_run=dry_run, as_json=json)


def _asked(
    older_than: str | None, prompts_older_than: str | None, file: Path | None, config: Path
) -> tuple[Path, Retention]:
    """Which journal, and what is too old in it: as the options say, else as the configuration does."""
    from router.config import load
    from router.journal import Retention

    said = Retention(
        None if prompts_older_than is None else seconds_in(prompts_older_than),
        None if older_than is None else seconds_in(older_than),
    )
    if file is not None and said.is_limited:
        return file, said
    settings = load(config, allow_unset_env=True).journal
    path = file or settings.path
    if path is None:
        raise _wrong(f"{config} names no journal; set journal.path there, or give --file")
    days = settings.prompt_retention_days, settings.retention_days
    kept = said if said.is_limited else Retention.of_days(*days)
    if not kept.is_limited:
        hint = f"give --older-than, or set journal.retention_days in {config}"
        raise _wrong(f"nothing says what is too old; {hint}")
    return path, kept


def _pruned(store: Store, retention: Retention, now_s: float, *, dry_run: bool) -> Pruned:
    from router.journal import Pruned

    old = store.count_old(retention, now_s)
    if dry_run or old.is_nothing:
        return old
    done = Pruned()
    with _bar(old.prompt_count + old.record_count) as advance:
        while not (piece := store.prune(retention, now_s, _COUNT)).is_nothing:
            done += piece
            advance(piece.prompt_count + piece.record_count)
    store.fold()
    return done


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal; yields what moves it on."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("pruning", total=total)
        yield lambda count: progress.advance(task, count)


def _tell(path: Path, pruned: Pruned, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        from json import dumps

        counts = {"record_count": pruned.record_count, "prompt_count": pruned.prompt_count}
        print(dumps({"journal": str(path), "dry_run": dry_run, **counts}))
        return
    verb = "would delete" if dry_run else "deleted"
    texts = f"the prompts and answers of {pruned.prompt_count:,} more"
    print(f"{verb} {pruned.record_count:,} records, and {texts}")


def _wrong(message: str) -> Fault:
    return Fault(message, code=ExitCode.WRONG, reason="USAGE")
