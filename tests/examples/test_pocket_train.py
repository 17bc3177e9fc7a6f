"""The pocket trainer: seeded, resumable, and able to learn."""

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from examples.pocket.average import mean_weights
from examples.pocket.family import FAMILY, Member
from examples.pocket.muon import orthogonalise
from examples.pocket.tokenizer import VOCABULARY_SIZE, load_tokenizer
from examples.pocket.trainer import Plan, Trainer
from examples.pocket.weights import LOCAL


def _tiny_config() -> LlamaConfig:
    return LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )


TINY = Member("tiny", _tiny_config, LlamaForCausalLM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder that already holds the shipped tokenizer."""
    load_tokenizer(LOCAL).save_pretrained(tmp_path / "tokenizer")
    return tmp_path


def _trainer(folder: Path, member: Member = TINY) -> Trainer:
    return Trainer(member, Plan(folder=folder, steps=8, batch_size=8, check_size=48))


def _weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainer.model.parameters()])


def test_a_resumed_run_reaches_the_same_weights(folder: Path) -> None:
    """Stopping after three steps and going on gives what one run gives, bit for bit."""
    whole = _trainer(folder)
    for _ in range(6):
        whole.step()
    first = _trainer(folder)
    for _ in range(3):
        first.step()
    first.save()
    second = _trainer(folder)
    second.resume()
    for _ in range(3):
        second.step()
    assert torch.equal(_weights(whole), _weights(second))


def test_loss_falls(folder: Path) -> None:
    """A few steps already lower the loss."""
    trainer = _trainer(folder)
    losses = [trainer.step() for _ in range(8)]
    assert losses[-1] < losses[0]


def test_learning_rate_ends_at_zero(folder: Path) -> None:
    """When the budget is used the rate has come down to zero, so a run ends settled."""
    trainer = _trainer(folder)
    for _ in range(9):
        trainer.step()
    assert all(group["lr"] == 0.0 for optimizer in trainer.optimizers for group in optimizer.param_groups)


def test_saving_leaves_no_part_behind(folder: Path) -> None:
    """A checkpoint is written aside and renamed."""
    trainer = _trainer(folder)
    trainer.save()
    assert {path.name for path in folder.iterdir()} == {"tokenizer", "tiny.pt"}


def test_what_fails_is_practised_more(folder: Path) -> None:
    """After a check, a cell that fails weighs more than one that is right, and nothing is dropped."""
    trainer = _trainer(folder)
    accuracies = trainer.check()
    assert trainer.weights.keys() == accuracies.keys()
    assert min(trainer.weights.values()) > 0
    assert trainer.weights["sort", 3] > 1.0


def test_experts_are_trained(folder: Path) -> None:
    """Every parameter of the mixture of experts moves, its stacked experts too."""
    trainer = _trainer(folder, FAMILY["local"])
    before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
    for _ in range(3):
        trainer.step()
    assert all(
        not torch.equal(before[name], parameter) for name, parameter in trainer.model.named_parameters()
    )


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 64)])
def test_orthogonalised_singular_values_are_near_one(shape: tuple[int, ...]) -> None:
    """Newton-Schulz brings the singular values to 0.6-1.3, as Muon's source states for its coefficients."""
    values = torch.linalg.svdvals(
        orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    )
    assert values.min() > 0.3
    assert values.max() < 1.4


def test_the_mean_of_checkpoints_is_their_mean(folder: Path) -> None:
    """Averaging two checkpoints gives the midpoint of every weight."""
    trainer = _trainer(folder)
    trainer.save()
    first = (folder / "tiny.pt").rename(folder / "first.pt")
    before = _weights(trainer)
    trainer.step()
    after = _weights(trainer)
    trainer.save()
    mean = mean_weights([first, folder / "tiny.pt"])
    trainer.model.load_state_dict(mean)
    assert torch.allclose(_weights(trainer), (before + after) / 2, atol=1e-6)
