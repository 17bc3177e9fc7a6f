"""Mixtures of experts in ``upshift models``: what their rows take and give, and the stores they lie in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from router.cli.failure import ExitCode, Fault
from router.cli.screen import screen

if TYPE_CHECKING:
    from rich.table import Table

    from backends.llamacpp.models.progress import Progress
    from backends.moe.description import MoeDescription, StoreDescription
    from backends.moe.offload_options import OffloadOptions

STORE_SUFFIX = ".experts"


def is_experts(file: Path) -> bool:
    """Whether ``inspect`` means a transformers model (a folder or owner/name) or a store, not a GGUF file."""
    on_hub = len(file.parts) == 2 and not file.exists() and file.suffix != ".gguf"
    return file.is_dir() or file.suffix == STORE_SUFFIX or on_hub


def options_for(weights: str, group_size: int, cache_dir: Path | None) -> OffloadOptions:
    """Check what the command line says; raises Fault."""
    from pydantic import ValidationError

    from backends.moe.offload_options import OffloadOptions

    given = {"weights": weights, "group_size": group_size, "cache_dir": cache_dir}
    try:
        return OffloadOptions.model_validate(given)
    except ValidationError as exc:
        first = exc.errors()[0]
        option = f"--{str(first['loc'][0]).replace('_', '-')}"
        raise Fault(f"{option} {first['input']}: {first['msg']}", code=ExitCode.WRONG) from exc


def inspect_experts(file: Path, options: OffloadOptions, *, as_json: bool) -> None:
    """Show a store, every row of it checked, or what a transformers model's experts would take."""
    if file.suffix == STORE_SUFFIX:
        _show_store(file, as_json=as_json)
        return
    from transformers.utils import logging

    from backends.moe.bound import measured_rates
    from backends.moe.description import describe

    logging.set_verbosity_error()
    description = describe(str(file), options, measured_rates(_device()))
    if as_json:
        print(json.dumps(asdict(description)))
        return
    shown = screen()
    shown.print(_facts(description))
    for store in description.stores:
        shown.print(f"\n{_heading(store)}", soft_wrap=True)
        shown.print(_speeds(store))


def convert_experts(model: str, options: OffloadOptions, progress: Progress, *, as_json: bool) -> None:
    """Convert a model's experts into the store that the local tier will map."""
    from backends.moe.converting import convert_experts as convert

    converted = convert(model, options, progress)
    if as_json:
        print(json.dumps(asdict(converted)))
        return
    rows = converted.layer_count * converted.expert_count
    print(
        f"{converted.path}: {rows:,} rows of {_size(converted.row_byte_count)}, {converted.weights}, "
        f"{_size(converted.byte_count)}{' (was there already)' if converted.was_there else ''}"
    )


def _show_store(file: Path, *, as_json: bool) -> None:
    from backends.errors import Unavailable
    from backends.moe.description import check_store
    from backends.moe.store.header import read_header

    try:
        header, _ = read_header(file)
    except OSError as exc:
        raise Unavailable(f"{file} cannot be read: {exc.strerror}") from exc
    shape = check_store(file)
    layout = shape.layout
    found = {
        "path": str(file),
        "model": header.model,
        "weights": layout.scheme,
        "layer_count": shape.layer_count,
        "expert_count": shape.expert_count,
        "row_byte_count": layout.byte_count,
        "little_byte_count": layout.little_byte_count,
        "byte_count": header.file_byte_count,
        "hidden_size": layout.shape.hidden_size,
        "inner_size": layout.shape.inner_size,
    }
    if as_json:
        print(json.dumps(found))
        return
    print(
        f"{file}: {header.row_count:,} rows ({shape.layer_count} layers x {shape.expert_count} experts) of "
        f"{_size(layout.byte_count)}, {layout.scheme}, {_size(header.file_byte_count)}\n"
        f"experts of {header.model}: {layout.shape.hidden_size} x {layout.shape.inner_size}\n"
        "checked: every row is as it was written"
    )


def _facts(description: MoeDescription) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    rates = description.rates
    rows = {
        "model": f"{description.model}, {description.architecture}",
        "experts": f"{description.layer_count} layers x {description.expert_count}, "
        f"{description.top_k} of them a token, {description.hidden_size} x {description.inner_size}",
        "dense part": _size(description.dense_byte_count),
        "machine": f"{rates.read / 1e9:.1f} GB/s read, {rates.copy / 1e9:.1f} GB/s copied, measured now",
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/]", value)
    return table


def _speeds(store: StoreDescription) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("residency", "experts a layer", "slots take", "hit rate", "tokens/s at most"):
        table.add_column(name, justify="right")
    for speed in store.speeds:
        table.add_row(
            f"{speed.residency:.0%}",
            str(speed.slot_count),
            _size(speed.slot_byte_count),
            f"{speed.hit_rate:.0%}",
            f"{speed.tokens_per_second_bound:,.1f}",
        )
    return table


def _heading(store: StoreDescription) -> str:
    group = f", groups of {store.group_size}" if store.group_size else ""
    where = f"converted: {store.path}" if store.path else "not converted yet"
    size = f"rows of {_size(store.row_byte_count)}, {_size(store.byte_count)} in all"
    return f"{store.weights}{group}: {size}; {where}"


def _device() -> Literal["cpu", "cuda"]:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _size(byte_count: float) -> str:
    from rich.filesize import decimal

    return decimal(round(byte_count))
