"""Averages checkpoints of one run: `python -m examples.pocket.average frontier early.pt later.pt last.pt`.

The mean of weights minutes apart at a high learning rate does much of what bringing the rate to zero does
(Izmailov et al., "Averaging weights leads to wider optima", 2018), where there is no time left for that.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from examples.pocket.family import FAMILY


def mean_weights(paths: list[Path]) -> dict[str, Tensor]:
    """Returns the mean of the weights of all checkpoints, by name."""
    states = [torch.load(path, map_location="cpu")["model"] for path in paths]
    return {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}


def main() -> None:
    """Reads the command line and writes the mean, ready for the export, into the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("member", choices=FAMILY)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("runs/pocket-average"))
    settings = parser.parse_args()
    settings.folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": mean_weights(settings.checkpoints)}, settings.folder / f"{settings.member}.pt")


if __name__ == "__main__":
    main()
