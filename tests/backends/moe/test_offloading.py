"""From a checkpoint to experts at work: what is converted, what is reused, what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MixtralConfig
from transformers.core_model_loading import MergeModulelist

from backends.errors import Unavailable
from backends.moe.checkpoint import Checkpoint
from backends.moe.errors import CannotOffload, DamagedStore, NoExpertsHook, NotMoe, TooLittleMemory
from backends.moe.experts import filling
from backends.moe.experts.function import experts_of
from backends.moe.experts.modules import find_experts
from backends.moe.experts.quota import slots_per_layer
from backends.moe.loading import load_model
from backends.moe.offload_options import OffloadOptions
from backends.moe.offloading import Rows, check_room
from backends.moe.options import MoeOptions
from backends.moe.store.layout import ExpertShape, RowLayout
from backends.moe.store.tiers import StoreShape
from tests.backends.moe.conftest import Offloaded, Saved
from tests.backends.moe.mixtures import EXPERT_COUNT, LAYER_COUNT, TOP_K, eager

PROMPT = torch.tensor([[5, 17, 101, 33, 9, 77, 140, 6]])
SHAPE = StoreShape(RowLayout(ExpertShape(2048, 768), "int4", torch.bfloat16), 48, 128)


def logits(model: Any, tokens: torch.Tensor = PROMPT) -> torch.Tensor:
    """What the model says after each token."""
    with torch.inference_mode():
        result: torch.Tensor = model(tokens).logits
        return result


def stores(tmp_path: Path) -> list[Path]:
    """Files of rows in the test's folder."""
    return sorted((tmp_path / "stores").glob("*.experts"))


def test_the_second_start_reads_no_expert_from_the_checkpoint(
    saved: Saved, offloaded: Offloaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The converted store is mapped; its file is not written again."""
    folder = saved("qwen3_moe")
    expected = logits(offloaded(folder))
    (store,) = stores(tmp_path)
    stamp = store.stat()
    monkeypatch.setattr(filling.Filling, "add", None)
    assert torch.equal(logits(offloaded(folder)), expected)
    assert stores(tmp_path) == [store]
    assert (store.stat().st_ino, store.stat().st_mtime_ns) == (stamp.st_ino, stamp.st_mtime_ns)


def test_another_checkpoint_gets_a_store_of_its_own(
    saved: Saved, offloaded: Offloaded, tmp_path: Path
) -> None:
    """Weights that differ in one byte are another model, whatever the folder is called."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in saved("qwen3_moe").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    offloaded(folder)
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    offloaded(folder)
    assert len(stores(tmp_path)) == 2


def test_a_damaged_store_is_converted_again(saved: Saved, offloaded: Offloaded, tmp_path: Path) -> None:
    """A start after the disk lost half of the file gives the same model."""
    folder = saved("olmoe")
    expected = logits(offloaded(folder))
    (store,) = stores(tmp_path)
    os.truncate(store, store.stat().st_size // 2)
    assert torch.equal(logits(offloaded(folder)), expected)


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe", "deepseek_v3"])
def test_experts_are_never_stacked(
    saved: Saved, offloaded: Offloaded, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """What lies one by one in the checkpoint goes so into rows; no layer's fused tensor is made."""
    expected = logits(eager(saved(family)))
    monkeypatch.setattr(MergeModulelist, "convert", None)
    assert torch.equal(logits(offloaded(saved(family))), expected)


def test_an_expert_that_lacks_a_matrix_is_refused(saved: Saved, tmp_path: Path) -> None:
    """Matrices of other experts never take its place."""
    folder = without(saved("qwen3_moe"), tmp_path, "layers.1.mlp.experts.3.up_proj")
    options = MoeOptions(model=str(folder), offload=OffloadOptions(cache_dir=tmp_path / "stores"))
    with pytest.raises(NoExpertsHook, match=r"\[7, 8\] matrices"):
        load_model(options)


def without(saved_folder: Path, tmp_path: Path, part_of_name: str) -> Path:
    """A copy of a checkpoint that lacks some tensors."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in saved_folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if part_of_name not in name}
    assert len(kept) < len(tensors)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_the_memory_of_loading_does_not_grow_with_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anonymous memory while a tensor is packed: a few layers' experts, never those of all twelve."""
    config = MixtralConfig(
        vocab_size=64,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=12,
        num_attention_heads=4,
        num_key_value_heads=1,
        num_local_experts=8,
    )
    model = AutoModelForCausalLM.from_config(config)
    all_byte_count = 12 * 8 * 3 * 256 * 512 * 4
    model.save_pretrained(tmp_path / "model")
    del model
    before, seen = anonymous_byte_count(), []
    add = filling.Filling.add

    def watched(self: filling.Filling, name: str, values: torch.Tensor) -> None:
        add(self, name, values)
        seen.append(anonymous_byte_count() - before)

    monkeypatch.setattr(filling.Filling, "add", watched)
    checkpoint = Checkpoint(str(tmp_path / "model"))
    Rows(checkpoint, OffloadOptions(cache_dir=tmp_path / "stores")).load()
    assert len(seen) == 24
    assert max(seen) < 0.25 * all_byte_count


def anonymous_byte_count() -> int:
    """Memory of this process that no file backs."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not tell how much memory is anonymous")
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def test_a_folder_that_cannot_be_written_to_is_named(
    saved: Saved, offloaded: Offloaded, tmp_path: Path
) -> None:
    """The error names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(CannotOffload, match=r"file/stores.*set offload\.cache_dir"):
        offloaded(saved("mixtral"), cache_dir=tmp_path / "file" / "stores")


def test_a_dense_model_is_refused(tmp_path: Path) -> None:
    """There is nothing to offload, and the error says so."""
    config = LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "dense")
    options = MoeOptions(model=str(tmp_path / "dense"), offload=OffloadOptions(cache_dir=tmp_path))
    with pytest.raises(NotMoe, match="LlamaForCausalLM is not a mixture of experts"):
        load_model(options)


def test_experts_without_the_hook_are_refused() -> None:
    """A model that says it has experts, none of which can be reached."""

    class Odd(torch.nn.Module):
        config = MixtralConfig()

    with pytest.raises(NoExpertsHook, match="Odd has experts, but"):
        find_experts(Odd())


def test_a_checkpoint_without_a_layers_experts_is_refused(saved: Saved, tmp_path: Path) -> None:
    """Random weights never take the place of what is missing."""
    folder = without(saved("qwen3_moe"), tmp_path, "layers.1.mlp.experts")
    options = MoeOptions(model=str(folder), offload=OffloadOptions(cache_dir=tmp_path / "stores"))
    with pytest.raises(NoExpertsHook, match="lacks 2 tensors"):
        load_model(options)
    assert stores(tmp_path) == []


def test_experts_that_do_not_divide_into_groups_stay_exact(offloaded: Offloaded, tmp_path: Path) -> None:
    """4 bits need 16 inputs that share a scale."""
    config = MixtralConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=40,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "model")
    with pytest.raises(NoExpertsHook, match=r"set offload\.weights to exact"):
        offloaded(tmp_path / "model", weights="int4")


def test_a_share_is_rounded_up_to_what_a_token_needs() -> None:
    """A quarter of 128 is 32; a hundredth still holds the experts of one token."""
    assert slots_per_layer(SHAPE, 0.25, top_k=8) == 32
    assert slots_per_layer(SHAPE, 0.01, top_k=8) == 8
    assert slots_per_layer(SHAPE, 1.0, top_k=8) == 128


def test_bytes_are_a_limit() -> None:
    """As many whole rows a layer as fit, and never more than there are."""
    row = SHAPE.layout.byte_count
    assert slots_per_layer(SHAPE, 48 * 10 * row, top_k=8) == 10
    assert slots_per_layer(SHAPE, 48 * 11 * row - 1, top_k=8) == 10
    assert slots_per_layer(SHAPE, 1 << 50, top_k=8) == 128


def test_too_few_bytes_are_refused_with_what_is_needed() -> None:
    """The error names the setting and the least value that works."""
    needed = 8 * 48 * SHAPE.layout.byte_count
    with pytest.raises(TooLittleMemory, match=f"at least {needed} "):
        slots_per_layer(SHAPE, needed - 1, top_k=8)
    assert slots_per_layer(SHAPE, needed, top_k=8) == 8


def test_slots_that_do_not_fit_are_refused_with_what_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names how much is needed, how much there is, and a residency that fits."""
    monkeypatch.setattr("backends.moe.offloading.available_byte_count", lambda device: 4 << 30)
    with pytest.raises(
        TooLittleMemory, match=r"need .* GiB and cpu has 4.00 GiB .* at most (\d+)%"
    ) as caught:
        check_room(SHAPE, OffloadOptions(residency="50%"), "cpu", top_k=8)
    fitting = str(caught.value).rpartition("at most ")[2]
    check_room(SHAPE, OffloadOptions(residency=fitting), "cpu", top_k=8)


@pytest.mark.parametrize("residency", ["0%", "101%", "much", "-1", 0, "5 TB"])
def test_a_residency_that_means_nothing_is_refused(residency: str | int) -> None:
    """Validation says what is allowed."""
    with pytest.raises(ValidationError, match="neither a share of the experts"):
        OffloadOptions(residency=residency)


@pytest.mark.parametrize(
    ("residency", "amount"), [("25%", 0.25), ("6 GiB", 6 << 30), ("1.5MB", 1_500_000), (4096, 4096)]
)
def test_residency_is_a_share_or_a_size(residency: str | int, amount: float) -> None:
    """Shares are floats, sizes are whole bytes."""
    found = OffloadOptions(residency=residency).amount
    assert found == amount
    assert type(found) is type(amount)


def test_what_is_moved_is_counted(saved: Saved, offloaded: Offloaded) -> None:
    """With every expert at hand only the first use is a miss; bytes are whole rows."""
    model = offloaded(saved("qwen3_moe"), residency="100%")
    experts = experts_of(model)
    assert experts is not None
    logits(model)
    first = experts.stats.miss_count
    assert 0 < first <= LAYER_COUNT * EXPERT_COUNT
    logits(model)
    assert experts.stats.miss_count == first
    assert experts.stats.hit_count == first
    assert experts.stats.hit_rate == 0.5
    assert experts.stats.step_count == 2


def test_a_missing_expert_of_low_share_is_little_and_accounted(saved: Saved, offloaded: Offloaded) -> None:
    """With tau at 1 all experts begin in 2 bits; a token's little mass is then all of its gates."""
    model = offloaded(saved("mixtral"), weights="int4", residency="100%", little_below=1.0)
    experts = experts_of(model)
    assert experts is not None
    logits(model, PROMPT[:, :1])
    stats = experts.stats
    assert stats.little_count == stats.miss_count == LAYER_COUNT * TOP_K
    assert experts.little_mass.of_last_pass() == pytest.approx(torch.ones(1))


def test_a_little_expert_that_is_used_again_is_completed(saved: Saved, offloaded: Offloaded) -> None:
    """The second pass fetches the rest of each row and computes what whole rows do."""
    folder = saved("mixtral")
    model = offloaded(folder, weights="int4", residency="100%", little_below=1.0)
    experts = experts_of(model)
    assert experts is not None
    first = logits(model, PROMPT[:, :1])
    second = logits(model, PROMPT[:, :1])
    third = logits(model, PROMPT[:, :1])
    whole = logits(offloaded(folder, weights="int4", residency="100%"), PROMPT[:, :1])
    assert experts.stats.upgrade_count > 0
    assert not torch.equal(first, whole)
    # The second pass may ask for experts that the first, coarser one did not.
    assert torch.equal(third, whole) or not torch.equal(second, whole)
    assert torch.equal(logits(model, PROMPT[:, :1]), whole)
    assert experts.little_mass.of_last_pass() == pytest.approx(torch.zeros(1))


def test_without_tau_nothing_is_little(saved: Saved, offloaded: Offloaded) -> None:
    """It is off by default."""
    model = offloaded(saved("mixtral"), weights="int4")
    experts = experts_of(model)
    assert experts is not None
    logits(model)
    assert experts.stats.little_count == 0
    assert not experts.little_mass.of_last_pass().any()


def test_a_store_that_breaks_while_it_serves_is_unavailable(
    saved: Saved, offloaded: Offloaded, tmp_path: Path
) -> None:
    """The answer fails with what happened; experts that came before still serve."""
    folder = saved("qwen3_moe")
    model = offloaded(folder, store="ssd", residency="25%")
    expected = logits(model)
    (store,) = stores(tmp_path)
    content = store.read_bytes()
    os.truncate(store, 8192)
    with pytest.raises(Unavailable, match="cannot be read"):
        logits(model)
    store.write_bytes(content)
    assert torch.equal(logits(model), expected)


def test_a_row_that_is_damaged_while_it_serves_ends_the_answer_and_is_rebuilt(
    saved: Saved, offloaded: Offloaded, tmp_path: Path
) -> None:
    """A wrong weight is never computed with; the next start converts again."""
    folder = saved("qwen3_moe")
    expected = logits(offloaded(folder))
    (store,) = stores(tmp_path)
    model = offloaded(folder)
    with store.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (store.stat().st_size - 8192))
    with pytest.raises(DamagedStore, match="start again"):
        logits(model)
    assert torch.equal(logits(offloaded(folder)), expected)


def test_a_model_is_offloaded_from_the_configuration(saved: Saved, tmp_path: Path) -> None:
    """The backend's options lead to the same model."""
    folder = saved("granitemoe")
    offload = OffloadOptions(residency="50%", cache_dir=tmp_path / "stores")
    model = load_model(MoeOptions(model=str(folder), offload=offload))
    assert torch.equal(logits(model), logits(eager(folder)))
    experts = experts_of(model)
    assert experts is not None
    experts.close()
