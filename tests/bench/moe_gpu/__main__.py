"""``make bench-moe-gpu``: the machine's rates, capture of six families, three models at their real shapes.

Needs an NVIDIA GPU with some 40 GB of memory and a host with 40 GB to pin. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from backends.moe.device.norms import fuse_norms
from tests.bench.moe_gpu import building, families, peers, probe, routing, serving, tuning
from tests.bench.moe_gpu.shapes import MODELS, Model

PARTS = ("probe", "families", "models", "accelerate")


def main() -> None:
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--models", default=",".join(MODELS), help="which models")
    parser.add_argument("--layers", type=int, help="cut models to so many layers, for a quick look")
    parser.add_argument("--out", type=Path, help="file that is written anew after each part")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("bench-moe-gpu: no CUDA GPU here; `make bench-moe` runs anywhere")
    figures: dict[str, Any] = {
        "machine": {
            "gpu": torch.cuda.get_device_name(),
            "torch": torch.__version__,
            "host": platform.processor(),
        }
    }
    parts, names = given.parts.split(","), given.models.split(",")
    work: dict[str, Callable[[], dict[str, Any]]] = {}
    if "families" in parts:
        work["families"] = lambda: {name: families.captures(name) for name in families.FAMILIES}
    if "probe" in parts:
        work["probe"] = probe.probe
    for name in names if "models" in parts else ():
        work[name] = partial(model_figures, MODELS[name], given.layers)
    for name in names if "accelerate" in parts else ():
        work[f"accelerate {name}"] = partial(peers.accelerate_tokens_per_s, MODELS[name])
    for name, part in work.items():
        figures[name] = told(name, part)
        if given.out:
            given.out.write_text(json.dumps(figures))
    print(json.dumps(figures))


def model_figures(model: Model, layer_count: int | None) -> dict[str, Any]:
    """Speeds at each residency, beside the bound measured in the same run."""
    layers = layer_count or model.layer_count
    layout = model.layout(torch.bfloat16)
    tiles, times = tuning.tune(model)
    figures: dict[str, Any] = dict(times)
    began = time.perf_counter()
    memory = building.pinned(layers * model.expert_count * layout.byte_count)
    rows = building.random_rows(memory, layers, model.expert_count, layout)
    dense = building.dense_model(model.settings(layers), torch.device("cuda"))
    chosen = routing.trace(500, layers, model.expert_count, model.top_k, locality=model.locality)
    figures |= {"build_s": time.perf_counter() - began, "row_bytes": layout.byte_count, "tiles": tiles}
    rate = probe.copy_rate(memory, layout.byte_count)
    figures["copy_gb_s"] = rate / 1e9
    run = partial(serving.measure, dense, model, rows, chosen, tiles=tiles)
    figures["resident, uncaptured"] = run(residency=1.0, captured=False, steps=20).as_dict()
    figures["resident, plain norms"] = run(residency=1.0).as_dict()
    figures["fused norms"] = fuse_norms(dense)
    resident = run(residency=1.0)
    figures["resident"] = resident.as_dict()
    for share in (0.25, 0.5):
        for tau in (0.0, LITTLE[model.name]):
            speed = run(residency=share, tau=tau)
            bound_s = 1 / resident.tokens_per_s + speed.moved_bytes / rate
            figures[f"{round(100 * share)} %{', little' if tau else ''}"] = {
                **speed.as_dict(), "share_of_bound": speed.tokens_per_s * bound_s
            }  # fmt: skip
    building.unpin(memory)
    return figures


# Shares of random routers hardly differ, so a threshold at their middle makes half of the misses little.
LITTLE = {"qwen3-30b-a3b": 0.125, "olmoe-1b-7b": 0.02, "mixtral-8x7b": 0.5}


def told(name: str, part: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run ``part`` and print its figures; where it fails, the others still run."""
    began = time.perf_counter()
    print(f"== {name}", flush=True)
    try:
        figures = part()
    except Exception as exc:  # noqa: BLE001 - a GPU's time is dear: the rest is measured, and this is told
        traceback.print_exc()
        figures = {"failed": f"{type(exc).__name__}: {exc}"[:300]}
    for key, value in figures.items():
        print(f"  {key}: {value:.4g}" if isinstance(value, float) else f"  {key}: {value}", flush=True)
    print(f"  ({time.perf_counter() - began:.0f} s)", flush=True)
    return figures


if __name__ == "__main__":
    main()
