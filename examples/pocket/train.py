"""Trains one member of the family: `python -m examples.pocket.train edge --minutes 25`.

Decides the order of samples, the schedule and when to save. The learning rate follows the share of the time (or
steps) used, so a run ends on time whatever else the machine does, and a stopped run goes on where it was.
"""

import argparse
import json
import os
import time
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.qwen3_moe.modeling_qwen3_moe import load_balancing_loss_func

from examples.pocket.answering import answer_greedily
from examples.pocket.batches import IGNORED, batch
from examples.pocket.family import FAMILY, Member, new_model
from examples.pocket.muon import Muon
from examples.pocket.tasks import draw, grade
from examples.pocket.tokenizer import answer_of, load_tokenizer

_WARMUP_SHARE = 0.02
_PLACES_STEP = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train; `minutes` or `steps` is the budget, whichever is set."""

    folder: Path
    minutes: float | None = None
    steps: int | None = None
    seed: int = 1
    batch_size: int = 64
    matrix_lr: float = 3e-3
    other_lr: float = 3e-3
    save_every_s: float = 60.0
    check_every_s: float = 300.0
    check_size: int = 240
    device: str = "cpu"


class Trainer:
    """Holds what a checkpoint must hold: weights, optimizers, steps and seconds done."""

    def __init__(self, member: Member, plan: Plan):
        self.member = member
        self.plan = plan
        self.tokenizer: PreTrainedTokenizerFast = load_tokenizer(plan.folder / "tokenizer")
        self.model: PreTrainedModel = new_model(member, seed=plan.seed).to(plan.device)
        self.model.set_attn_implementation("eager")
        self.optimizers = _optimizers(self.model, plan)
        self.step_count = 0
        self.elapsed_s = 0.0

    @property
    def share(self) -> float:
        """The share of the budget used, 0 to 1."""
        if self.plan.steps is not None:
            return min(1.0, self.step_count / self.plan.steps)
        return min(1.0, self.elapsed_s / 60 / (self.plan.minutes or 1.0))

    def step(self) -> float:
        """Does one update and returns the mean loss of its answer tokens."""
        started = time.perf_counter()
        factor = min(1.0, self.share / _WARMUP_SHARE + 0.01) * (1.0 - self.share)
        parts = list(self._batch())
        count = sum(int((labels != IGNORED).sum()) for _, labels in parts)
        loss = 0.0
        for ids, labels in parts:
            part = self._loss(ids, labels) / count
            part.backward()
            loss += part.item()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor
            optimizer.step()
            optimizer.zero_grad()
        self.step_count += 1
        self.elapsed_s += time.perf_counter() - started
        return loss

    def _batch(self) -> list[tuple[Tensor, Tensor]]:
        plan = self.plan
        parts = batch(
            self.step_count, seed=plan.seed, size=plan.batch_size, member=self.member, tokenizer=self.tokenizer
        )
        return [(ids.to(plan.device), labels.to(plan.device)) for ids, labels in parts]

    def _loss(self, ids: Tensor, labels: Tensor) -> Tensor:
        """Returns the summed loss of the answer tokens, with the experts' balance where there are experts."""
        config = self.model.config
        has_experts = hasattr(config, "num_experts")
        places, targets = _answer_places(labels)
        with torch.autocast(torch.device(self.plan.device).type, torch.bfloat16):
            extra = {"output_router_logits": True} if has_experts else {}
            output = self.model.model(input_ids=ids, use_cache=False, **extra)
            logits = self.model.lm_head(output.last_hidden_state.flatten(0, 1)[places])
        loss = functional.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="sum")
        if has_experts:
            balance = load_balancing_loss_func(
                output.router_logits, config.num_experts, config.num_experts_per_tok, (ids != 0).long()
            )
            loss = loss + config.router_aux_loss_coef * balance * (targets != IGNORED).sum()
        return loss

    def save(self) -> None:
        """Writes the checkpoint; a reader sees the old one or the new one, never a part."""
        path = self.plan.folder / f"{self.member.name}.pt"
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step_count": self.step_count,
            "elapsed_s": self.elapsed_s,
        }
        torch.save(state, path.with_suffix(".tmp"))
        os.replace(path.with_suffix(".tmp"), path)

    def resume(self) -> None:
        """Goes on from the checkpoint, if there is one."""
        path = self.plan.folder / f"{self.member.name}.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.plan.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step_count, self.elapsed_s = state["step_count"], state["elapsed_s"]

    def check(self) -> dict[str, float]:
        """Returns the share of right greedy answers on calibration prompts, by kind and level and over all."""
        self.model.eval()
        samples = list(draw(self.plan.check_size, split="calibrate", seed=self.plan.seed))
        texts = answer_greedily(self.model, self.tokenizer, [sample.prompt for sample in samples])
        self.model.train()
        right = defaultdict(list)
        for sample, text in zip(samples, texts, strict=True):
            for key in ("all", f"{sample.kind} {sample.level}"):
                right[key].append(grade(sample, answer_of(text)))
        return {key: round(sum(marks) / len(marks), 3) for key, marks in sorted(right.items())}


def _answer_places(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns where answer tokens are, and which, padded to a few distinct sizes (see `batches`)."""
    flat = labels.flatten()
    places = (flat != IGNORED).nonzero().flatten()
    spare = -len(places) % _PLACES_STEP
    return functional.pad(places, (0, spare)), functional.pad(flat[places], (0, spare), value=IGNORED)


def _optimizers(model: PreTrainedModel, plan: Plan) -> list[torch.optim.Optimizer]:
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        hidden = parameter.ndim > 1 and "embed" not in name and not name.endswith("mlp.gate.weight")
        (matrices if hidden else others).append(parameter)
    optimizers = [
        Muon(matrices, lr=plan.matrix_lr, weight_decay=0.05),
        torch.optim.AdamW(others, lr=plan.other_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def train(trainer: Trainer, console: Console) -> None:
    """Trains until the budget is used, saving and checking on the way."""
    plan, saved, checked = trainer.plan, time.monotonic(), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[note]}"))
    bar = Progress(*columns, console=console) if console.is_terminal else nullcontext()
    with bar as progress:
        task = progress.add_task(trainer.member.name, total=1.0, note="") if progress else None
        while trainer.share < 1.0:
            loss = trainer.step()
            if progress:
                progress.update(task, completed=trainer.share, note=f"step {trainer.step_count} loss {loss:.3f}")
            elif trainer.step_count % 100 == 0:
                print(f"step {trainer.step_count} {trainer.elapsed_s:.0f} s loss {loss:.4f}", flush=True)
            now = time.monotonic()
            if now - saved > plan.save_every_s:
                trainer.save()
                saved = now
            if now - checked > plan.check_every_s:
                console.print(json.dumps(trainer.check()))
                checked = time.monotonic()
    trainer.save()
    console.print(json.dumps(trainer.check()))


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    member = FAMILY[settings.pop("member")]
    torch.set_num_threads(settings.pop("threads"))
    settings["folder"].mkdir(parents=True, exist_ok=True)
    trainer = Trainer(member, Plan(**settings))
    trainer.resume()
    train(trainer, Console())


if __name__ == "__main__":
    main()
