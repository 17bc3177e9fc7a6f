"""What is thought of extras and GPUs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from router.doctor.finding import State
from router.doctor.software import extras, gpu

_REQUIREMENTS = [
    "numpy>=2.0",
    'torch>=2.9; extra == "moe"',
    'safetensors>=0.5; extra == "moe"',
    'upshift[moe]; extra == "demo"',
    "gguf>=0.17; extra == 'demo'",
]


def _versions(**there: str) -> Callable[[str], str | None]:
    return there.get


def test_extras_are_complete_or_name_what_is_missing() -> None:
    """Each extra is judged by its own packages; those of the core are none of its business."""
    found = list(extras(_REQUIREMENTS, _versions(gguf="0.19", torch="2.9")))
    assert [(finding.topic, finding.state) for finding in found] == [
        ("extra moe", State.ABSENT),
        ("extra demo", State.OK),
    ]
    assert found[0].seen == "safetensors missing"


def test_own_extras_are_known() -> None:
    """Upshift's metadata names the extras that its configuration documents."""
    assert {"extra llamacpp", "extra moe"} <= {finding.topic for finding in extras()}


@pytest.mark.parametrize(
    ("device", "torch", "state"),
    [
        (None, "2.9+cpu", State.OK),
        ("nvidia0", "2.9+cu126", State.OK),
        ("nvidia0", "2.9+cpu", State.SLOW),
        ("kfd", None, State.ABSENT),
    ],
)
def test_gpu(tmp_path: Path, device: str | None, torch: str | None, state: State) -> None:
    """A GPU that torch cannot use is told; no GPU is nothing to worry about."""
    (tmp_path / "dev").mkdir()
    if device is not None:
        (tmp_path / "dev" / device).touch()
    assert gpu(tmp_path, lambda _: torch).state is state
