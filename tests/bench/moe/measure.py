"""One way to run a model, timed: tokens a second after the first pass, and what was moved for them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache

from backends.moe.bound import measured_copy_rate
from backends.moe.checkpoint import Checkpoint
from backends.moe.experts.function import experts_of
from backends.moe.experts.modules import find_experts
from backends.moe.offload_options import OffloadOptions
from backends.moe.offloading import Rows, load_offloaded
from backends.moe.traces.routing import injected
from tests.bench.moe.models import Subject

_WARMING_TOKEN_COUNT = 400
# The best counts: what else runs on the machine can only take away.
_REPEAT_COUNT = 3


@dataclass(frozen=True, slots=True)
class Run:
    """What one way gave; figures of offloading are None where none took place."""

    way: str
    tokens_per_second: float
    hit_rate: float | None = None
    moved_bytes_per_token: float | None = None


@contextmanager
def eager(subject: Subject, device: str) -> Iterator[Any]:
    """The whole model on the device, transformers' own experts."""
    yield AutoModelForCausalLM.from_pretrained(subject.folder, experts_implementation="eager").to(device)


@contextmanager
def offloaded(subject: Subject, device: str, options: OffloadOptions) -> Iterator[Any]:
    """The model with its experts offloaded."""
    model = load_offloaded(Checkpoint(str(subject.folder)), options, device)
    yield model
    experts = experts_of(model)
    assert experts is not None
    experts.close()


@contextmanager
def accelerated(subject: Subject, device: str, folder: Path) -> Iterator[Any]:
    """The model as accelerate offloads it: to host memory beside a GPU, else to disk."""
    from accelerate import cpu_offload, disk_offload

    with eager(subject, "cpu") as model:
        if device == "cpu":
            yield disk_offload(model, str(folder / f"accelerate-{subject.name}"), torch.device("cpu"))
        else:
            yield cpu_offload(model, torch.device(device))


def timed(way: str, model: Any, subject: Subject, token_count: int) -> Run:
    """Generate greedily, several times; prints how fast at once, since all together takes minutes."""
    run = _timed(way, model, subject, token_count)
    print(f"{subject.name}: {way}: {run.tokens_per_second:.1f} tokens/s", file=sys.stderr)
    return run


def _timed(way: str, model: Any, subject: Subject, token_count: int) -> Run:
    modules = experts_modules(model)
    with injected(modules, subject.trace) if subject.trace is not None else nullcontext():
        # A long prompt fills slots that nobody has: at 100 % all experts are then at hand.
        _generate(model, 1, prompt_token_count=_WARMING_TOKEN_COUNT)
        runs = [_once(way, model, token_count) for _ in range(_REPEAT_COUNT)]
    return max(runs, key=lambda run: run.tokens_per_second)


def _once(way: str, model: Any, token_count: int) -> Run:
    experts = experts_of(model)
    if experts is None:
        return Run(way, token_count / _generate(model, token_count))
    before = replace(experts.stats)
    seconds = _generate(model, token_count)
    after = experts.stats
    hits, misses = after.hit_count - before.hit_count, after.miss_count - before.miss_count
    moved = after.moved_byte_count - before.moved_byte_count
    return Run(way, token_count / seconds, hits / (hits + misses), moved / token_count)


def copy_rate(subject: Subject, device: str, options: OffloadOptions) -> float:
    """Bytes a second from the options' tier to the device; the store must have been converted."""
    rows = Rows(Checkpoint(str(subject.folder)), options)
    rows.load()
    tier = rows.open(device)
    rate = measured_copy_rate(tier, device)
    tier.close()
    return rate


def experts_modules(model: Any) -> dict[str, torch.nn.Module]:
    """Experts of ``model``, whose weights may have been taken out."""
    with torch.device("meta"):
        bare = AutoModelForCausalLM.from_config(model.config)
    return {name: model.get_submodule(name) for name in find_experts(bare).modules}


@torch.inference_mode()
def _generate(model: Any, token_count: int, *, prompt_token_count: int = 16) -> float:
    """Seconds for ``token_count`` steps after a prompt."""
    # Where accelerate offloads, the model itself says that it is nowhere.
    device = "cpu" if model.device.type == "meta" else model.device
    tokens = torch.arange(3, 3 + prompt_token_count, device=device)[None]
    cache = DynamicCache(config=model.config)
    started = 0.0
    for step in range(token_count + 1):
        logits = model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
        tokens = logits[:, -1:].argmax(-1)
        if step == 0:
            int(tokens)  # waits for the device
            started = time.perf_counter()
    int(tokens)
    return time.perf_counter() - started
