"""``upshift models``: get model files, look into them, convert, quantise, compare.

Each verb reads its options, lets :mod:`backends.llamacpp.models` work (:mod:`router.cli.experts` for
mixtures of experts of the local tier), and shows what came of it.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.model_work import faults, progress_bars

if TYPE_CHECKING:
    from backends.llamacpp.models.texts import Text

app = typer.Typer(
    help="Get, inspect, convert, quantise and compare model files: GGUF for the edge tier, experts for the "
    "local tier.",
    epilog="""
**From a transformers model to an edge tier**

`upshift models convert ~/models/Qwen3-0.6B qwen3.gguf --type f16` writes a GGUF file and checks it.

`upshift models quantize qwen3.gguf qwen3-q4.gguf --type q4_0 --head q8_0 --prompts prompts.jsonl` makes it
small and says what was lost.

`upshift models inspect qwen3-q4.gguf` says what it needs and how fast it can be.

**A mixture of experts larger than memory**

`upshift models inspect ~/models/OLMoE-1B-7B` says what its experts take and give at each residency.

`upshift models convert ~/models/OLMoE-1B-7B --weights int4` converts them ahead of the first start.
""",
    rich_markup_mode="markdown",
    invoke_without_command=True,
)

_PULL = """
**Examples**

`upshift models pull hf://Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf` takes the newest, and prints the lines
for upshift.yaml that mean exactly this one.

`upshift models pull hf://owner/repo/file.gguf@v1.0 --sha256 9f86d0...` takes that revision, and checks it.
"""
_INSPECT = """
**Examples**

`upshift models inspect edge.gguf --sequences 16 --context 4096` says what 16 answers at once take.

`upshift models inspect edge.gguf --json | jq .tokens_per_second_bound` gives the bound to a program.

`upshift models inspect ~/models/OLMoE-1B-7B` says what a mixture's experts take, exact and in 4 bits, and
how fast they can be with a quarter, half and all of them at hand.

`upshift models inspect ~/.cache/upshift/moe/OLMoE-1B-7B-int4-*.experts` checks every row of a store.
"""
_CONVERT = """
**What can be converted** to OUT.gguf: folders of LlamaForCausalLM and Qwen3ForCausalLM with safetensors and a
byte-level BPE tokenizer (tokenizer.json). Others are refused; nothing is guessed.

**Without OUT.gguf** the experts of a mixture (any that transformers fuses: Mixtral, Qwen2/3-MoE, OLMoE,
GPT-OSS, DeepSeek-V3, Granite-MoE, ...) are converted into the store that the local tier maps: the first
start does the same, this does it beforehand.

**The check** (needs torch and transformers) splits texts and answers prompts with both libraries: equal
tokens, and at every position the same choice up to the rounding of the type.
"""
_QUANTIZE = """
**Examples**

`upshift models quantize f16.gguf q4.gguf --type q4_0 --head q8_0` is small and fast on processors.

`upshift models quantize f16.gguf q4.gguf --type q4_k_m --prompts prompts.jsonl` keeps errors small where your
prompts use the weights. Of the prompts every fifth is held back, and the report is made on those.

`upshift models quantize f16.gguf mixed.gguf --type q4_0 --tensor 'attn_v=q8_0' --tensor 'blk.0.=q6_k'` sets
formats by tensor name.

**Prompts**: plain text with blank lines between pieces, or .jsonl with strings or
{"prompt": ..., "text": ...}, where only the text is judged. Write special tokens as the chat template does.
"""
_COMPARE = """
**Examples**

`upshift models compare f16.gguf q4.gguf --prompts held-out.jsonl` measures what was lost, token by token.

**Verdicts** (the worse of two): indistinguishable up to 0.01 nats of KL divergence and from 95 % equal first
choices; slight to 0.05 and 90 %; noticeable to 0.25 and 75 %; else broken.
"""

Model = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A GGUF file, a mixture of experts (folder or hub name), or its store."
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where converted experts lie; unset: ~/.cache/upshift/moe."),
]
GroupSize = Annotated[int, typer.Option(help="4-bit weights that share a scale: 16, 32, 64 or 128.")]
Prompts = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Texts like those that the model will see.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace the output where it is there already.")]


@app.callback()
def models(context: typer.Context) -> None:
    """Show the help where no verb is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class WeightType(StrEnum):
    """Number formats that a model can be converted to."""

    f32 = "f32"
    f16 = "f16"
    bf16 = "bf16"


@app.command(epilog=_PULL)
def pull(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="hf://owner/repository/file.gguf[@revision].")
    ],
    sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="SHA-256 that the file must have.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Download a model from the Hugging Face hub; go on where a download broke off."""
    from router.cli.model_reports import print_pulled

    with faults(), progress_bars() as progress:
        from backends.llamacpp.models.pull import pull as do

        # It would tell of every try; the last one's error says it all.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        pulled = do(model, sha256=sha256, progress=progress)
    print_pulled(pulled, as_json=json)


@app.command(epilog=_INSPECT)
def inspect(
    file: Model,
    sequences: Annotated[int, typer.Option(min=1, help="Answers written at once.")] = 8,
    context: Annotated[
        int | None, typer.Option(min=1, help="Tokens of each; unset: 2048, or the model's own limit.")
    ] = None,
    group_size: GroupSize = 64,
    cache_dir: CacheDir = None,
    json: given.Json = False,
) -> None:
    """Show what a model file holds, the memory it takes, and how fast this machine could run it."""
    from router.cli import experts
    from router.cli.model_reports import print_description

    if experts.is_experts(file):
        with faults():
            options = experts.options_for("exact", group_size, cache_dir)
            experts.inspect_experts(file, options, as_json=json)
        return
    with faults():
        from backends.cores import core_count
        from backends.llamacpp.models.description import describe
        from backends.read_bandwidth import read_bandwidth

        description = describe(file)
        rate = read_bandwidth(core_count())
    length = context or min(2048, description.shape.context_token_count)
    print_description(description, rate, sequence_count=sequences, context_token_count=length, as_json=json)


@app.command(epilog=_CONVERT)
def convert(
    folder: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="Folder of a transformers model; for experts also a hub name."),
    ],
    output: Annotated[
        Path | None,
        typer.Argument(metavar="[OUT.gguf]", help="The file to write; without: a store of experts."),
    ] = None,
    weight_type: Annotated[
        WeightType, typer.Option("--type", help="Number format of the matrices.")
    ] = WeightType.f16,
    name: Annotated[str | None, typer.Option(help="The model's name; unset: the folder's.")] = None,
    check: Annotated[bool, typer.Option(help="Compare the file with transformers.")] = True,
    weights: Annotated[str, typer.Option(help="Numbers of experts: exact or int4.")] = "exact",
    group_size: GroupSize = 64,
    cache_dir: CacheDir = None,
    force: Force = False,
    json: given.Json = False,
) -> None:
    """Turn a transformers model into a GGUF file and check it, or its experts into a store."""
    from router.cli import experts
    from router.cli.model_reports import print_converted

    if output is None:
        with faults(), progress_bars() as progress:
            options = experts.options_for(weights, group_size, cache_dir)
            experts.convert_experts(str(folder), options, progress, as_json=json)
        return
    with faults(), progress_bars() as progress:
        from backends.llamacpp.models.convert.convert import Card
        from backends.llamacpp.models.convert.convert import convert as do
        from backends.llamacpp.models.output import refuse_overwrite

        refuse_overwrite(output, force=force)
        converted = do(
            folder, output, weight_type=weight_type.value, card=Card(name), check=check, progress=progress
        )
    print_converted(converted, as_json=json)


@app.command(epilog=_QUANTIZE)
def quantize(
    source: Annotated[Path, typer.Argument(metavar="IN.gguf", help="The model in f16, bf16 or f32.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.gguf", help="The file to write.")],
    mixture: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="q4_0, q8_0, q4_k_m, q6_k, iq4_xs, ...")
    ],
    head: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Format of the output head (and of a tied embedding).")
    ] = None,
    tensor: Annotated[
        list[str] | None, typer.Option(metavar="REGEX=TYPE", help="Format by tensor name; repeat it.")
    ] = None,
    prompts: Prompts = None,
    report: Annotated[bool, typer.Option(help="Measure what was lost.")] = True,
    requantize: Annotated[
        bool, typer.Option("--requantize", help="Take weights that are quantised already; it loses more.")
    ] = False,
    force: Force = False,
    json: given.Json = False,
) -> None:
    """Write a model in fewer bits, and say what was lost."""
    from router.cli.model_reports import print_quantised

    with faults(), progress_bars() as progress:
        from backends.llamacpp.models.output import refuse_overwrite
        from backends.llamacpp.models.quality.compare import compare as measure
        from backends.llamacpp.models.quantize.quantize import quantize as do
        from backends.llamacpp.models.quantize.recipe import Recipe, overrides_from

        refuse_overwrite(output, force=force)
        overrides = tuple(overrides_from(tensor or ()))
        recipe = Recipe(mixture.lower(), head and head.lower(), overrides, requantize)
        calibrating, judging = _texts(prompts)
        quantised = do(source, output, recipe, texts=calibrating, progress=progress)
        quality = measure(source, output, texts=judging, progress=progress) if report else None
    print_quantised(quantised, quality, as_json=json)


@app.command(epilog=_COMPARE)
def compare(
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", help="The model before.")],
    quantised: Annotated[Path, typer.Argument(metavar="QUANTISED", help="The model after.")],
    prompts: Prompts = None,
    json: given.Json = False,
) -> None:
    """Measure how far a quantised model is from its original."""
    from router.cli.model_reports import print_quality

    with faults(), progress_bars() as progress:
        from backends.llamacpp.models.quality.compare import compare as do
        from backends.llamacpp.models.texts import PASSAGES, read_texts

        texts = PASSAGES if prompts is None else read_texts(prompts)
        quality = do(original, quantised, texts=texts, progress=progress)
    print_quality(quality, as_json=json)


def _texts(prompts: Path | None) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Texts to calibrate by, none without prompts, and texts to judge by."""
    from backends.llamacpp.models.texts import PASSAGES, held_back, read_texts

    return ((), PASSAGES) if prompts is None else held_back(read_texts(prompts))
