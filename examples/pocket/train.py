"""Trains one member of the family: `python -m examples.pocket.train edge --minutes 25`.

Decides when to save and when to check. The same command goes on from the last checkpoint in the folder.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from examples.pocket.family import FAMILY
from examples.pocket.tasks import Cell
from examples.pocket.trainer import Plan, Trainer

_SAVE_EVERY_S = 60.0
_LOG_EVERY = 100


def train(trainer: Trainer, *, check_every_s: float) -> Iterator[tuple[float, dict[Cell, float] | None]]:
    """Trains until the budget is used; yields each step's loss, and accuracies where it checked them."""
    saved = checked = time.monotonic()
    while trainer.share < 1.0:
        loss, accuracies = trainer.step(), None
        now = time.monotonic()
        if now - saved > _SAVE_EVERY_S:
            trainer.save()
            saved = now
        if now - checked > check_every_s:
            accuracies = trainer.check()
            checked = time.monotonic()
        yield loss, accuracies
    trainer.save()
    yield loss, trainer.check()


def _line(accuracies: dict[Cell, float]) -> str:
    cells = ", ".join(f"{kind} {level} {accuracy:.2f}" for (kind, level), accuracy in accuracies.items())
    return f"right {sum(accuracies.values()) / len(accuracies):.3f}: {cells}"


def _show(trainer: Trainer, console: Console, check_every_s: float) -> None:
    """Draws a bar on a terminal; elsewhere writes a line now and then."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(trainer.member.name, total=1.0, note="")
        for loss, accuracies in train(trainer, check_every_s=check_every_s):
            note = f"step {trainer.step_count}, {trainer.elapsed_s:.0f} s, loss {loss:.4f}"
            progress.update(task, completed=trainer.share, note=note)
            if not console.is_terminal and trainer.step_count % _LOG_EVERY == 0:
                print(note, flush=True)
            if accuracies:
                print(_line(accuracies), flush=True)


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("member", choices=FAMILY)
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float)
    budget.add_argument("--steps", type=int)
    parser.add_argument("--folder", type=Path, default=Path("runs/pocket"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--matrix-lr", type=float, default=3e-3)
    parser.add_argument("--other-lr", type=float, default=3e-3)
    parser.add_argument("--check-every-s", type=float, default=300.0)
    parser.add_argument("--threads", type=int, default=1, help="two runs of one thread beat one run of two")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    settings = vars(parser.parse_args())
    torch.set_num_threads(settings.pop("threads"))
    member, check_every_s = FAMILY[settings.pop("member")], settings.pop("check_every_s")
    settings["folder"].mkdir(parents=True, exist_ok=True)
    trainer = Trainer(member, Plan(**settings))
    trainer.resume()
    _show(trainer, Console(), check_every_s)


if __name__ == "__main__":
    main()
