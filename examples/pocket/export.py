"""Turns checkpoints into the files that are shipped: `python -m examples.pocket.export edge local frontier`.

Decides each member's format. A file or folder is replaced in one rename, so an engine never sees half of one.
"""

import argparse
import os
import shutil
from pathlib import Path

import torch
from gguf import GGMLQuantizationType
from rich.progress import track
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from examples.pocket.family import FAMILY, new_model
from examples.pocket.gguf_file import write_gguf
from examples.pocket.tokenizer import load_tokenizer
from examples.pocket.weights import EDGE, FRONTIER, LOCAL, WEIGHTS

_GGUF_TYPES = {"edge": GGMLQuantizationType.Q4_0, "frontier": GGMLQuantizationType.Q8_0}


def load_checkpoint(name: str, folder: Path) -> PreTrainedModel:
    """Returns the member with its trained weights in float32."""
    model = new_model(FAMILY[name], seed=0)
    model.load_state_dict(torch.load(folder / f"{name}.pt", map_location="cpu")["model"])
    return model.eval()


def save_folder(path: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Saves a model in bfloat16 with its tokenizer, as `from_pretrained` reads them."""
    part, old = path.with_suffix(".part"), path.with_suffix(".old")
    for stale in (part, old):
        shutil.rmtree(stale, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(part)
    tokenizer.save_pretrained(part)
    if path.exists():
        os.rename(path, old)
    os.rename(part, path)
    shutil.rmtree(old, ignore_errors=True)


def export(name: str, folder: Path) -> Path:
    """Writes one member's shipped form and returns where it is."""
    model, tokenizer = load_checkpoint(name, folder), load_tokenizer(folder / "tokenizer")
    WEIGHTS.mkdir(exist_ok=True)
    if name == "local":
        save_folder(LOCAL, model, tokenizer)
        return LOCAL
    path = {"edge": EDGE, "frontier": FRONTIER}[name]
    write_gguf(path, model, tokenizer, name=f"pocket-{name}", matrices=_GGUF_TYPES[name], check=True)
    return path


def main() -> None:
    """Reads the command line and exports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("members", nargs="+", choices=FAMILY)
    parser.add_argument("--folder", type=Path, default=Path("runs/pocket"))
    settings = parser.parse_args()
    for name in track(settings.members, description="exporting"):
        print(export(name, settings.folder))


if __name__ == "__main__":
    main()
