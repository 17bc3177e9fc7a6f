"""A training run that can stop and go on: weights, optimizers, and how much of the budget is used.

The learning rate follows the share of the time (or of the steps) used, so a run ends on time and settled,
whatever else the machine does. It decides nothing about the command line or when to save.
"""

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.models.qwen3_moe.modeling_qwen3_moe import load_balancing_loss_func

from examples.pocket.answering import answer_greedily
from examples.pocket.batches import IGNORED, exchange, micro_batches
from examples.pocket.family import Member, new_model
from examples.pocket.muon import Muon
from examples.pocket.tasks import DRILL_LEVEL, DRILLED_KINDS, KINDS, LEVELS, Cell, draw, grade
from examples.pocket.tokenizer import PAD_ID, answer_of, load_tokenizer

_WARMUP_SHARE = 0.02
_PLACES_STEP = 128
_DECAY_SHARE = 0.3
_LEAST_WEIGHT = 0.3
_LEVELS = (*LEVELS, DRILL_LEVEL)
_UNIFORM_FROM = 0.85
"""Up to this share of the budget, kinds and levels are practised by how often they fail; then all alike."""


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
    check_size: int = 240
    device: str = "cpu"


class Trainer:
    """Holds what a checkpoint must hold, and takes one step at a time."""

    def __init__(self, member: Member, plan: Plan):
        self.member = member
        self.plan = plan
        self.tokenizer = load_tokenizer(plan.folder / "tokenizer")
        self.model = new_model(member, seed=plan.seed).to(plan.device)
        # On a CPU the fused attention's backward pass took three times as long at these lengths.
        self.model.set_attn_implementation("eager")
        self.optimizers = _optimizers(self.model, plan)
        self.weights: dict[Cell, float] = {}
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
        loss = self._backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        factor = min(1.0, self.share / _WARMUP_SHARE + 0.01) * min(1.0, (1.0 - self.share) / _DECAY_SHARE)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor
            optimizer.step()
            optimizer.zero_grad()
        self.step_count += 1
        self.elapsed_s += time.perf_counter() - started
        return loss

    def save(self) -> None:
        """Writes the checkpoint; a reader sees the old one or the new one, never a part."""
        path = self._checkpoint
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "weights": self.weights,
            "step_count": self.step_count,
            "elapsed_s": self.elapsed_s,
        }
        torch.save(state, path.with_suffix(".tmp"))
        os.replace(path.with_suffix(".tmp"), path)

    def resume(self) -> None:
        """Goes on from the checkpoint, if there is one."""
        if not self._checkpoint.exists():
            return
        state = torch.load(self._checkpoint, map_location=self.plan.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.weights = state["weights"]
        self.step_count, self.elapsed_s = state["step_count"], state["elapsed_s"]

    def check(self) -> dict[Cell, float]:
        """Returns the share of right greedy answers on calibration prompts, and practises what fails."""
        started = time.perf_counter()
        self.model.eval()
        samples = list(draw(self.plan.check_size, split="calibrate", seed=self.plan.seed))
        texts = answer_greedily(self.model, self.tokenizer, [sample.prompt for sample in samples])
        self.model.train()
        right: defaultdict[Cell, list[bool]] = defaultdict(list)
        for sample, text in zip(samples, texts, strict=True):
            right[sample.kind, sample.level].append(grade(sample, answer_of(text)))
        accuracies = {cell: sum(marks) / len(marks) for cell, marks in sorted(right.items())}
        self.weights = {cell: _LEAST_WEIGHT + 1.0 - accuracy for cell, accuracy in accuracies.items()}
        self.elapsed_s += time.perf_counter() - started
        return accuracies

    @property
    def _checkpoint(self) -> Path:
        return self.plan.folder / f"{self.member.name}.pt"

    def _practice(self) -> dict[Cell, float]:
        """Returns how often each cell is drawn; drills as often as the highest level of their kind."""
        weights = self.weights if self.share < _UNIFORM_FROM else {}
        drills = {
            (kind, DRILL_LEVEL): weights.get((kind, 3), 0.0) * (kind in DRILLED_KINDS) for kind in KINDS
        }
        return weights | drills

    def _backward(self) -> float:
        plan = self.plan
        seed = plan.seed * 10_000_000 + self.step_count
        samples = draw(plan.batch_size, split="train", seed=seed, levels=_LEVELS, weights=self._practice())
        parts = micro_batches([exchange(sample, self.member, self.tokenizer) for sample in samples])
        count = sum(int((labels != IGNORED).sum()) for _, labels in parts)
        loss = 0.0
        for ids, labels in parts:
            part = self._loss(ids.to(plan.device), labels.to(plan.device)) / count
            torch.autograd.backward(part)
            loss += part.item()
        return loss

    def _loss(self, ids: Tensor, labels: Tensor) -> Tensor:
        """Returns the summed loss of the answer tokens, with the experts' balance where there are experts."""
        places, targets = _answer_places(labels)
        config = self.model.config
        has_experts = hasattr(config, "num_experts")
        with torch.autocast(torch.device(self.plan.device).type, torch.bfloat16):
            extra = {"output_router_logits": True} if has_experts else {}
            output = self.model.model(input_ids=ids, use_cache=False, **extra)
            logits = self.model.lm_head(output.last_hidden_state.flatten(0, 1)[places])
        loss = functional.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="sum")
        if has_experts:
            real = (ids != PAD_ID).long()
            balance = load_balancing_loss_func(
                output.router_logits, config.num_experts, config.num_experts_per_tok, real
            )
            loss = loss + config.router_aux_loss_coef * balance * (targets != IGNORED).sum()
        return loss


def _answer_places(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns where answer tokens are, and which, padded to a few distinct sizes (see `batches`)."""
    flat = labels.flatten()
    places = (flat != IGNORED).nonzero().flatten()
    spare = -len(places) % _PLACES_STEP
    return functional.pad(places, (0, spare)), functional.pad(flat[places], (0, spare), value=IGNORED)


def _optimizers(model: PreTrainedModel, plan: Plan) -> list[torch.optim.Optimizer]:
    """Returns Muon for the hidden matrices, AdamW for embeddings, norms and routers."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in model.named_parameters():
        hidden = parameter.ndim > 1 and "embed" not in name and not name.endswith("mlp.gate.weight")
        (matrices if hidden else others).append(parameter)
    optimizers: list[torch.optim.Optimizer] = [
        Muon(matrices, lr=plan.matrix_lr, weight_decay=0.05),
        torch.optim.AdamW(others, lr=plan.other_lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers
