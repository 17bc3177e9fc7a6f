"""Calibration from end to end: the real tiers are asked, graded, and learnt from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from policies.artefact import load

ROOT = Path(__file__).parents[2]


@pytest.mark.engines
def test_what_is_learnt_can_be_served(tmp_path: Path) -> None:
    """A short calibration of all three tiers ends in an artefact that loads and knows each of them."""
    out = tmp_path / "learnt.json"
    command = [sys.executable, "-m", "examples.pocket.calibrate", "--count", "48", "--out", str(out)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    learnt = load(out)
    assert set(learnt.reports) == {"edge", "local", "frontier"}
    assert learnt.prompt_count == 48
