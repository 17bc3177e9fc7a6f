"""``make bench-moe-gpu``: the machine's rates, capture of six families, and three models at their real shapes.

Needs an NVIDIA GPU with some 40 GB of memory and a host with 40 GB to pin. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from typing import Any

import torch

from tests.bench.moe_gpu import building, families, probe, routing, serving, tuning
from tests.bench.moe_gpu.shapes import MODELS, Model

PARTS = ("probe", "families", "tuning", "models")


def main() -> None:
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default="probe,families,models", help=f"of {','.join(PARTS)}")
    parser.add_argument("--models", default=",".join(MODELS), help="which models")
    parser.add_argument("--layers", type=int, help="cut models to so many layers, for a quick look")
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
    parts = given.parts.split(",")
    if "probe" in parts:
        figures["probe"] = told("probe", probe.probe())
    if "families" in parts:
        figures["families"] = told("families", {name: families.captures(name) for name in families.FAMILIES})
    if "tuning" in parts:
        figures["tuning"] = told("tuning", {n: tuning.tune(MODELS[n]) for n in given.models.split(",")})
    if "models" in parts:
        rate = figures.get("probe", {}).get("gather_qwen3-30b-a3b_32_programs_gb_s")
        for name in given.models.split(","):
            figures[name] = told(name, model_figures(MODELS[name], given.layers, rate))
    print(json.dumps(figures))


def model_figures(model: Model, layer_count: int | None, rate_gb_s: float | None) -> dict[str, Any]:
    """Speeds at each residency, beside the bound measured in the same run."""
    layers = layer_count or model.layer_count
    layout = model.layout(torch.bfloat16)
    began = time.perf_counter()
    memory = building.pinned(layers * model.expert_count * layout.byte_count)
    rows = building.random_rows(memory, layers, model.expert_count, layout)
    dense = building.dense_model(model.settings(layers), torch.device("cuda"))
    chosen = routing.trace(500, layers, model.expert_count, model.top_k, locality=model.locality)
    figures: dict[str, Any] = {"build_s": time.perf_counter() - began, "row_bytes": layout.byte_count}

    def run(**how: Any) -> serving.Speed:
        speed = serving.measure(dense, model, rows, chosen, **how)
        print(f"{model.name}: {json.dumps(speed.as_dict())}", flush=True)
        return speed

    resident = run(residency=1.0)
    figures["resident"] = resident.as_dict()
    figures["resident_uncaptured"] = run(residency=1.0, captured=False, steps=30).as_dict()
    for share in (0.25, 0.5):
        for tau in (0.0, LITTLE[model.name]):
            speed = run(residency=share, tau=tau)
            entry = speed.as_dict()
            if rate_gb_s:
                bound_s = 1 / resident.tokens_per_s + speed.moved_bytes / (rate_gb_s * 1e9)
                entry["share_of_bound"] = speed.tokens_per_s * bound_s
            figures[f"{round(100 * share)} %{' little' if tau else ''}"] = entry
    building.unpin(memory)
    return figures


# Shares of random routers hardly differ, so a threshold at their middle makes half of the misses little.
LITTLE = {"qwen3-30b-a3b": 0.125, "olmoe-1b-7b": 0.02, "mixtral-8x7b": 0.5}


def told(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Print ``figures`` as they come, for whoever looks on."""
    print(f"== {name}")
    for key, value in figures.items():
        print(f"  {key}: {value:.3f}" if isinstance(value, float) else f"  {key}: {value}", flush=True)
    return figures


if __name__ == "__main__":
    main()
