"""What the verbs of ``upshift models`` say: a few lines and tables for people, one object for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from router.cli.screen import screen

if TYPE_CHECKING:
    from rich.table import Table

    from backends.llamacpp.models.convert.convert import Converted
    from backends.llamacpp.models.description import Description
    from backends.llamacpp.models.pull import Pulled
    from backends.llamacpp.models.quality.compare import Quality
    from backends.llamacpp.models.quantize.quantize import Quantised

# Smaller weights stay in the caches of most processors, which are faster than memory.
_CACHED_BYTE_COUNT = 32 * 2**20
_SHOWN_FALLBACK_COUNT = 3


def print_pulled(pulled: Pulled, *, as_json: bool) -> None:
    """Where the file is, which one it is, and the lines that pin it."""
    if as_json:
        _print_json(
            {
                "path": pulled.path,
                "commit": pulled.commit,
                "sha256": pulled.sha256,
                "byte_count": pulled.byte_count,
                "options": pulled.options,
            }
        )
        return
    print(f"{pulled.path}\n{_size(pulled.byte_count)}, commit {pulled.commit}")
    print("\nExactly this file as a tier of upshift.yaml:\n\n    backend: llamacpp\n    options:")
    for key, value in pulled.options.items():
        print(f"      {key}: {value}")


def print_description(
    description: Description,
    read_bytes_per_second: float,
    *,
    sequence_count: int,
    context_token_count: int,
    as_json: bool,
) -> None:
    """The file, and what serving it takes."""
    counts = {"sequence_count": sequence_count, "context_token_count": context_token_count}
    figures: dict[str, float] = {
        "kv_bytes_per_token": description.shape.kv_bytes_per_token(),
        "kv_bytes_per_sequence": description.shape.kv_bytes_per_token() * context_token_count,
        "memory_byte_count": description.memory_byte_count(**counts),
        "read_bytes_per_second": read_bytes_per_second,
        "tokens_per_second_bound": description.tokens_per_second_bound(read_bytes_per_second),
        "tokens_per_second_bound_at_context": description.tokens_per_second_bound(
            read_bytes_per_second, context_token_count=context_token_count
        ),
    }
    if as_json:
        _print_json(asdict(description) | counts | figures)
        return
    shown = screen()
    shown.print(_facts(description))
    shown.print(_groups(description))
    shown.print(_needs(description, counts, figures))


def print_converted(converted: Converted, *, as_json: bool) -> None:
    """What was written and whether it is right."""
    if as_json:
        _print_json(asdict(converted))
        return
    print(
        f"{converted.path}: {converted.architecture}, {converted.parameter_count / 1e6:,.1f} M weights in "
        f"{converted.type}, {_size(converted.byte_count)}"
    )
    for note in converted.notes:
        print(f"note: {note}")
    parity = converted.parity
    if parity is None:
        print("not checked")
        return
    print(
        f"checked: {parity.text_count} texts split alike; {parity.same_token_count} of "
        f"{parity.token_count} greedy tokens as transformers has them (log-probabilities within "
        f"{parity.largest_difference_nats:.1g} nats)"
    )


def print_quantised(quantised: Quantised, quality: Quality | None, *, as_json: bool) -> None:
    """What llama.cpp made of the tensors, and what was lost."""
    if as_json:
        found = asdict(quantised) | {"fallbacks": [asdict(change) for change in quantised.fallbacks]}
        _print_json(found | {"quality": None if quality is None else _quality_json(quality)})
        return
    formats = Counter(change.after for change in quantised.changes)
    print(
        f"{quantised.path}: {_size(quantised.byte_count_before)} -> {_size(quantised.byte_count)}, "
        f"{quantised.bits_per_weight:.2f} bits a weight ("
        + ", ".join(f"{count} {name}" for name, count in formats.most_common())
        + ")"
    )
    if quantised.importance_token_count:
        print(f"importance of inputs measured on {quantised.importance_token_count:,} tokens")
    _print_fallbacks(quantised)
    if quality is not None:
        print_quality(quality, as_json=False)


def print_quality(quality: Quality, *, as_json: bool) -> None:
    """The quality report."""
    if as_json:
        _print_json(_quality_json(quality))
        return
    shown = screen()
    shown.print(_quality_table(quality))
    colour = {"indistinguishable": "green", "slight": "green", "noticeable": "yellow"}
    verdict = quality.limit.verdict.value
    shown.print(f"[bold {colour.get(verdict, 'red')}]{verdict}[/]: {quality.limit.meaning}")


def _facts(description: Description) -> Table:
    shape = description.shape
    experts = f", {shape.expert_used_count} of {shape.expert_count} experts" if shape.expert_count else ""
    template = "with" if description.has_chat_template else "without"
    return _pairs(
        {
            "file": f"{description.path} ({_size(description.file_byte_count)})",
            "model": f"{description.name or 'unnamed'}, architecture {shape.architecture}",
            "weights": f"{description.parameter_count / 1e6:,.1f} M, "
            f"{description.bits_per_weight:.2f} bits each",
            "network": f"{shape.layer_count} layers, width {shape.width}, {shape.head_count} heads{experts}",
            "context": f"{shape.context_token_count:,} tokens",
            "vocabulary": f"{shape.vocabulary_size:,} tokens ({description.tokenizer}, "
            f"{description.pre_tokenizer}), {template} chat template",
        }
    )


def _groups(description: Description) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("tensors", "type", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("count", "weights", "size"):
        table.add_column(name, justify="right")
    for group in description.groups:
        weights = f"{group.parameter_count / 1e6:,.2f} M"
        size = _size(group.byte_count)
        table.add_row(group.purpose, group.type, str(group.tensor_count), weights, size)
    return table


def _needs(description: Description, counts: Mapping[str, int], figures: Mapping[str, float]) -> Table:
    sequences, context = counts["sequence_count"], counts["context_token_count"]
    rate = f"{figures['read_bytes_per_second'] / 1e9:.1f} GB/s read by all cores, measured now"
    bound = (
        f"{figures['tokens_per_second_bound']:,.0f} tokens/s for one answer, "
        f"{figures['tokens_per_second_bound_at_context']:,.0f} behind {context:,} tokens: a bound\n"
        f"({_size(description.bytes_read_per_token)} read a token; {rate})"
    )
    if description.weight_byte_count < _CACHED_BYTE_COUNT:
        bound += "\n(weights this small stay in cache: arithmetic and overhead bound it, not memory)"
    return _pairs(
        {
            "KV cache": f"{_size(figures['kv_bytes_per_token'])} a token, "
            f"{_size(figures['kv_bytes_per_sequence'])} a sequence of {context:,} tokens (f16)",
            "memory": f"{_size(figures['memory_byte_count'])} for {sequences} sequences, and working memory",
            "speed": bound,
        }
    )


def _pairs(rows: Mapping[str, str]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/]", value)
    return table


def _print_fallbacks(quantised: Quantised) -> None:
    fallbacks = quantised.fallbacks
    for change in fallbacks[:_SHOWN_FALLBACK_COUNT]:
        print(
            f"{change.name}: {change.after} instead of {change.wanted}, whose blocks do not fit rows of "
            f"{change.shape[0]}"
        )
    if len(fallbacks) > _SHOWN_FALLBACK_COUNT:
        print(f"... and {len(fallbacks) - _SHOWN_FALLBACK_COUNT} more tensors like these (--json lists all)")


def _quality_table(quality: Quality) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    measures = quality.measures
    table = Table("", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("original", "quantised", "change"):
        table.add_column(name, justify="right")
    sides = (quality.original, quality.other)
    table.add_row("size", *(_size(side.byte_count) for side in sides), f"x {quality.size_ratio:.2f}")
    speeds = (f"{side.tokens_per_second:,.1f}" for side in sides)
    table.add_row("tokens/s written", *speeds, f"x {quality.speed_ratio:.2f}")
    perplexities = (measures.perplexity, measures.other_perplexity)
    ratio = f"x {measures.other_perplexity / measures.perplexity:.4f}"
    table.add_row("perplexity", *(f"{value:.4g}" for value in perplexities), ratio)
    kl = f"{measures.mean_kl_nats:.5f} ± {measures.kl_error_nats:.5f}"
    table.add_row("KL divergence, nats a token", "", "", kl)
    table.add_row("... 99 % of tokens below", "", "", f"{measures.kl_99_nats:.4f}")
    table.add_row("same first choice", "", "", f"{100 * measures.greedy_agreement:.2f} %")
    table.add_row("top five shared", "", "", f"{100 * measures.top5_overlap:.2f} %")
    table.caption = f"{measures.position_count:,} tokens of text"
    return table


def _quality_json(quality: Quality) -> dict[str, object]:
    return {
        "verdict": quality.limit.verdict,
        "meaning": quality.limit.meaning,
        "size_ratio": quality.size_ratio,
        "speed_ratio": quality.speed_ratio,
        "original": asdict(quality.original),
        "quantised": asdict(quality.other),
        **asdict(quality.measures),
    }


def _size(byte_count: float) -> str:
    from rich.filesize import decimal

    return decimal(round(byte_count))


def _print_json(found: Mapping[str, object]) -> None:
    print(json.dumps(found, ensure_ascii=False, default=str))
