"""The examples run as their reader runs them: a process each, against a server of ``echo.yaml``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# What each must say; an example without a line here fails.
SAYS: dict[str, tuple[str, ...]] = {
    "anthropic_sdk.py": ("A river", "frontier, 7 tokens, end_turn"),
    "ask.py": ("A river", "edge: rejected, low_confidence", "frontier: accepted, confident"),
    "batch.py": ("edge        39 answers", "frontier    10 answers"),
    "bring_your_own_backend.py": ("HELLO THERE!!",),
    "feedback.py": ("What is routing?", "replaced the first score: True"),
    "invoices.py": ("H-4711   2026-05-30         254  ok", "do not add up"),
    "langchain_chat.py": ("A river", "frontier, 8 tokens", "What is routing?"),
    "llamaindex_chat.py": ("A river", "What is routing?"),
    "openai_sdk.py": ("A river", "tier: frontier", "attempts: 2", "What is routing?"),
    "stream.py": (
        "[edge] riddle  <- withdrawn: low_confidence",
        "[frontier] A river",
        "frontier answered for $0.0",
    ),
    "structured.py": ("Ada wants 3 crates of pears", "edge: failed_validation"),
}


def _files(pattern: str) -> list[str]:
    return sorted(path.name for path in EXAMPLES.glob(pattern) if path.name != "__init__.py")


@pytest.mark.parametrize("name", _files("*.py"))
def test_example_runs(name: str, echo_server: str, echo_gateway: str) -> None:
    """Every example ends well, without a warning, and says what it is meant to show."""
    # It wants an older client of OpenAI's than the one that others are tested with.
    if name == "llamaindex_chat.py" and find_spec("llama_index") is None:
        pytest.skip("llama-index-llms-openai-like is not installed")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        env=os.environ | {"UPSHIFT_SERVER": echo_server, "UPSHIFT_HTTP": echo_gateway},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in SAYS[name]:
        assert words in done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(echo_gateway: str) -> None:
    """The script asks for an answer, a stream and a decision."""
    done = subprocess.run(
        ["sh", str(EXAMPLES / "curl.sh")],
        env=os.environ | {"UPSHIFT_HTTP": echo_gateway},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "x-upshift-tier: frontier" in done.stderr
    for words in ("A river", "data: [DONE]", '"reason":"cheapest"'):
        assert words in done.stdout


def test_examples_are_short() -> None:
    """An example fits on a screen or two."""
    assert all(len((EXAMPLES / name).read_text().splitlines()) <= 70 for name in _files("*.py"))


def test_index_names_every_example() -> None:
    """The index has a line for each file, and for no other."""
    lines = (EXAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    named = sorted(line.split("](")[1].split(")")[0] for line in lines if line.startswith("| ["))
    policies = [f"policies/{name}" for name in _files("policies/*.yaml")]
    assert named == sorted(
        [*_files("*.py"), *_files("*.yaml"), *_files("*.jsonl"), *policies, "observability", "pocket"]
    )
