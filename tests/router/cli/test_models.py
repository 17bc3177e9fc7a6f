"""``upshift models``: what people and programs see of it, on the shipped pocket model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.router.cli.conftest import Run

EDGE = Path(__file__).parents[3] / "examples" / "pocket" / "weights" / "edge.gguf"


@pytest.fixture
def full(upshift: Run, tmp_path: Path) -> Path:
    """The pocket model in f32."""
    path = tmp_path / "full.gguf"
    words = ("--type", "f32", "--requantize", "--no-report")
    assert upshift("models", "quantize", str(EDGE), str(path), *words).code == 0
    return path


def test_alone_it_shows_its_verbs(upshift: Run) -> None:
    """No verb is no mistake."""
    ended = upshift("models")
    assert ended.code == 0
    assert all(verb in ended.out for verb in ("pull", "inspect", "convert", "quantize", "compare"))


@pytest.mark.parametrize("verb", ["pull", "inspect", "convert", "quantize", "compare"])
def test_every_verb_teaches(upshift: Run, verb: str) -> None:
    """The help has an example or says what is possible."""
    ended = upshift("models", verb, "--help")
    assert ended.code == 0
    assert "Examples" in ended.out or "can be converted" in ended.out


def test_inspect_says_what_a_file_needs(upshift: Run) -> None:
    """Shape, formats, cache, memory and a bound that is called one."""
    ended = upshift("models", "inspect", str(EDGE), "--sequences", "4")
    assert ended.code == 0
    for words in ("llama", "q4_0", "1.0 M", "with chat template", "for 4 sequences", "a bound"):
        assert words in ended.out


def test_inspect_gives_programs_the_same(upshift: Run) -> None:
    """Figures in base units."""
    found = upshift("models", "inspect", str(EDGE), "--context", "100", "--json").json
    assert found["shape"]["layer_count"] == 5
    assert found["kv_bytes_per_sequence"] == 100 * found["kv_bytes_per_token"] == 100 * 2560
    assert found["tokens_per_second_bound"] > found["tokens_per_second_bound_at_context"] > 0


def test_what_is_no_model_is_refused(upshift: Run, tmp_path: Path) -> None:
    """Exit code 2, one sentence, or one object."""
    (tmp_path / "no.gguf").write_text("no")
    ended = upshift("models", "inspect", str(tmp_path / "no.gguf"))
    assert (ended.code, ended.out) == (2, "")
    assert "is not a GGUF file" in ended.err
    ended = upshift("models", "inspect", str(tmp_path / "no.gguf"), "--json")
    assert ended.json["error"]["reason"] == "REFUSED"


def test_a_missing_file_is_named(upshift: Run) -> None:
    """As with every other verb."""
    ended = upshift("models", "inspect", "nowhere.gguf")
    assert (ended.code, ended.err.strip()) == (1, "upshift: nowhere.gguf: No such file or directory")


def test_quantize_says_what_was_lost(upshift: Run, full: Path, tmp_path: Path) -> None:
    """Formats, fallbacks, and a verdict on texts that were held back from calibration."""
    prompts = tmp_path / "prompts.jsonl"
    ask = "<|user|>What is {} + 5?<|assistant|>"
    lines = [{"prompt": ask.format(n), "text": f"{n + 5}<|end|>"} for n in range(10)]
    prompts.write_text("\n".join(map(json.dumps, lines)))
    target = tmp_path / "small.gguf"
    words = ("--type", "Q4_K_M", "--prompts", str(prompts), "--tensor", "attn_v=q8_0", "--json")
    found = upshift("models", "quantize", str(full), str(target), *words).json
    assert found["byte_count"] == target.stat().st_size
    assert found["importance_token_count"] > 80
    assert {change["wanted"] for change in found["fallbacks"]} >= {"q4_k"}
    assert found["quality"]["verdict"] in {"indistinguishable", "slight", "noticeable", "broken"}
    assert 2 <= found["quality"]["position_count"] <= 3 * 2


def test_nothing_is_overwritten_unasked(upshift: Run, full: Path) -> None:
    """Exit code 2, and what to say to have it replaced."""
    before = full.read_bytes()
    ended = upshift("models", "quantize", str(full), str(full), "--type", "q8_0")
    assert ended.code == 2
    assert "--force" in ended.err
    assert full.read_bytes() == before


def test_compare_ends_with_a_verdict(upshift: Run, full: Path) -> None:
    """The shipped file is its own widened copy."""
    ended = upshift("models", "compare", str(full), str(EDGE))
    assert ended.code == 0
    assert ended.out.splitlines()[-1].startswith(("indistinguishable:", "slight:"))


def test_convert_writes_a_file(upshift: Run, tiny_gguf: Path, tmp_path: Path) -> None:
    """From the same source as the file that the tests have."""
    target = tmp_path / "out.gguf"
    ended = upshift("models", "convert", str(tiny_gguf.parent), str(target), "--type", "f32", "--no-check")
    assert ended.code == 0
    assert "qwen3" in ended.out
    assert "not checked" in ended.out
    assert upshift("models", "inspect", str(target), "--json").json["shape"]["layer_count"] == 2


def test_a_name_that_is_none_is_explained(upshift: Run) -> None:
    """Without looking for it."""
    ended = upshift("models", "pull", "hf://owner")
    assert ended.code == 2
    assert "hf://owner/repository/file.gguf" in ended.err
