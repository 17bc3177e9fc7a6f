"""What fewer bits cost the pocket models: ``python -m tests.bench.quantize``.

Writes each model in several mixtures and measures, against float32, the file, the speed, the distance of
its distributions on test prompts, and how many tasks it still gets right. The float32 original is a
checkpoint of ``examples.pocket.train`` where there is one in --folder; without, it is the shipped file
widened. Quantising the edge model's shipped Q4_0 to Q4_0 again then loses nothing, which says nothing; the
frontier's Q8_0 is near enough to what was trained. Speeds are of models that fit into a cache: they tell of
overhead and arithmetic, and only large models (``make bench-edge``) tell of memory. Prints a table a
model, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gguf import GGMLQuantizationType
from rich.box import SIMPLE_HEAD
from rich.table import Table

from backends.llamacpp.models.quality.compare import Quality, compare
from backends.llamacpp.models.quantize.quantize import Quantised, quantize
from backends.llamacpp.models.quantize.recipe import Recipe
from backends.llamacpp.models.texts import Text
from examples.pocket.evaluate import Score, gguf_answers, scores, total
from examples.pocket.family import FAMILY
from examples.pocket.tasks import Sample, draw
from examples.pocket.tokenizer import ASSISTANT, END, USER, load_tokenizer, written
from examples.pocket.weights import EDGE, FRONTIER
from router.cli.screen import screen

SHIPPED = {"edge": EDGE, "frontier": FRONTIER}
_CALIBRATION_SEED, _TEST_SEED = 41, 2711
_CALIBRATION_COUNT = 300


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to write a model."""

    label: str
    recipe: Recipe
    calibrated: bool = False


VARIANTS = (
    Variant("F16", Recipe("f16")),
    Variant("Q8_0", Recipe("q8_0")),
    Variant("Q4_0", Recipe("q4_0")),
    Variant("Q4_0 + Q8_0 head", Recipe("q4_0", head="q8_0")),
    Variant("Q4_0 + Q8_0 head, importance", Recipe("q4_0", head="q8_0"), calibrated=True),
    Variant("Q4_K_M", Recipe("q4_k_m")),
    Variant("Q4_K_M, importance", Recipe("q4_k_m"), calibrated=True),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A variant: what was written, how far it is from float32, and what it still gets right."""

    quantised: Quantised
    quality: Quality
    score: Score

    def to_json(self) -> dict[str, object]:
        """Every figure."""
        quality = self.quality
        return {
            "byte_count": self.quantised.byte_count,
            "bits_per_weight": self.quantised.bits_per_weight,
            "fallback_count": len(self.quantised.fallbacks),
            "tensor_types": {change.name: change.after for change in self.quantised.changes},
            "tokens_per_second": quality.other.tokens_per_second,
            "speed_ratio": quality.speed_ratio,
            "size_ratio": quality.size_ratio,
            **asdict(quality.measures),
            "verdict": quality.limit.verdict,
            "task_accuracy": self.score.accuracy,
            "task_interval": self.score.interval,
        }


def original(name: str, checkpoints: Path, target: Path) -> str:
    """Write the model in float32 to ``target``; return where its weights come from."""
    if (checkpoints / f"{name}.pt").exists():
        from examples.pocket.export import load_checkpoint
        from examples.pocket.gguf_file import write_gguf

        words = load_tokenizer(checkpoints / "tokenizer")
        model = load_checkpoint(name, checkpoints)
        write_gguf(target, model, words, name=name, matrices=GGMLQuantizationType.F32)
        return f"checkpoint in {checkpoints}"
    quantize(SHIPPED[name], target, Recipe("f32", requantize=True))
    return f"{SHIPPED[name].name} as shipped, widened"


def texts_of(name: str, samples: Sequence[Sample]) -> list[Text]:
    """What the model should write for each sample, behind its prompt."""
    kinds = FAMILY[name].reasoning_kinds
    return [
        Text(f"{written(sample, reasons=sample.kind in kinds)}{END}", f"{USER}{sample.prompt}{ASSISTANT}")
        for sample in samples
    ]


def score_of(path: Path, samples: list[Sample]) -> Score:
    """How many of the tasks the file at ``path`` gets right, greedily."""
    replies = gguf_answers(path, [sample.prompt for sample in samples], 1)
    return total(list(scores(list(zip(samples, replies, strict=True))).values()))


def measure(name: str, full: Path, variant: Variant, samples: list[Sample]) -> Measured:
    """Quantise and measure."""
    calibration = list(draw(_CALIBRATION_COUNT, split="calibrate", seed=_CALIBRATION_SEED))
    texts = texts_of(name, calibration) if variant.calibrated else []
    target = full.with_name("variant.gguf")
    quantised = quantize(full, target, variant.recipe, texts=texts)
    quality = compare(full, target, texts=texts_of(name, samples))
    return Measured(quantised, quality, score_of(target, samples))


def table(title: str, full_score: Score, found: dict[str, Measured]) -> Table:
    """The figures side by side. "Fell back": tensors whose rows do not fit a format's blocks."""
    shown = Table("", title=title, box=SIMPLE_HEAD, pad_edge=False)
    headings = ("kB", "bits", "fell back", "tokens/s", "x f32", "KL nats", "same first %", "tasks right %")
    for heading in headings:
        shown.add_column(heading, justify="right")
    shown.add_column("verdict")
    shown.add_row("F32", *[""] * (len(headings) - 1), f"{100 * full_score.accuracy:.1f}", "")
    for label, one in found.items():
        quality, measures = one.quality, one.quality.measures
        shown.add_row(
            label,
            f"{one.quantised.byte_count / 1e3:.0f}",
            f"{one.quantised.bits_per_weight:.2f}",
            str(len(one.quantised.fallbacks)),
            f"{quality.other.tokens_per_second:.0f}",
            f"{quality.speed_ratio:.2f}",
            f"{measures.mean_kl_nats:.5f}",
            f"{100 * measures.greedy_agreement:.2f}",
            f"{100 * one.score.accuracy:.1f}",
            quality.limit.verdict.value,
        )
    return shown


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.quantize", description=__doc__)
    parser.add_argument("--members", nargs="+", choices=SHIPPED, default=list(SHIPPED))
    parser.add_argument("--count", type=int, default=300, help="test prompts")
    parser.add_argument("--folder", type=Path, default=Path("runs/pocket"), help="checkpoints")
    arguments = parser.parse_args()
    samples = list(draw(arguments.count, split="test", seed=_TEST_SEED))
    report: dict[str, object] = {"count": len(samples)}
    for name in arguments.members:
        with tempfile.TemporaryDirectory(prefix="upshift-bench-") as folder:
            full = Path(folder) / "full.gguf"
            source = original(name, arguments.folder, full)
            full_score = score_of(full, samples)
            found = {variant.label: measure(name, full, variant, samples) for variant in VARIANTS}
        screen().print(table(f"{name}, from {source}; {len(samples)} test prompts", full_score, found))
        report[name] = {
            "source": source,
            "F32": {"task_accuracy": full_score.accuracy, "task_interval": full_score.interval},
            **{label: one.to_json() for label, one in found.items()},
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
