"""What a certificate rests on: everything that can change an answer, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.certificates.code import code_fingerprint
from router.certificates.fingerprints import _address, fingerprints, path_fingerprint
from router.config import parse

CONFIG = """
version: 1
learnt: learnt.json
tiers:
  - {name: small, backend: llamacpp, options: {model: ./small.gguf, thread_count: 1}}
  - name: large
    backend: openai_chat
    options: {base_url: "http://127.0.0.1:80/v1", model: large, api_key: secret}
policies:
  - {name: default, ladder: [small, large], objective: {rule: certified, max_loss: 0.02}}
"""


def prints(folder: Path, old: str = "", new: str = "") -> dict[str, str]:
    """Fingerprints of the configuration with ``old`` replaced."""
    config = parse(CONFIG.replace(old, new), directory=folder)
    return fingerprints(config, config.policies[0], folder / "learnt.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "learnt.json").write_text("{}")
    (tmp_path / "small.gguf").write_bytes(b"weights")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("model: large", "model: larger", {"tier large"}),
        ("80/v1", "81/v2", {"tier large"}),
        ("thread_count: 1", "context_token_count: 64", {"tier small"}),
        ("[small, large]", "[large]", {"ladder", "tier small"}),
        ("learnt: learnt.json", "privacy: {redact_external: true}", {"redaction"}),
        ("0.02}}", "0.02}, constraints: {redact: true}}", {"redaction"}),
        ("learnt: learnt.json", "confidence: {uncalibrated: token_probability}", {"confidence"}),
    ],
)
def test_what_can_change_answers_is_seen(folder: Path, old: str, new: str, changed: set[str]) -> None:
    """And nothing beside it."""
    before, after = prints(folder), prints(folder, old, new)
    assert {name for name in before | after if before.get(name) != after.get(name)} == changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("thread_count: 1", "thread_count: 2"),
        (":80", ":81"),
        ("secret", "other"),
        ("learnt: learnt.json", "learnt: learnt.json\nconfidence: {probes: [{probe: p_true}]}"),
    ],
)
def test_where_and_how_fast_it_is_computed_is_not(folder: Path, old: str, new: str) -> None:
    """Nor is a key: it opens a door and does not answer. Probes never run under a certificate."""
    assert prints(folder) == prints(folder, old, new)


def test_other_weights_under_the_same_name_are_seen(folder: Path) -> None:
    """Files count by their content."""
    before = prints(folder)
    (folder / "small.gguf").write_bytes(b"WEIGHTS")
    assert prints(folder)["tier small"] != before["tier small"]


def test_learning_anew_is_seen(folder: Path) -> None:
    """A certificate is for what was learnt when it was given."""
    before = prints(folder)
    (folder / "learnt.json").write_text("{ }")
    assert prints(folder)["learnt"] != before["learnt"]


def test_a_folder_counts_with_all_its_files(tmp_path: Path) -> None:
    """By name and content."""
    (tmp_path / "a").write_text("1")
    before = path_fingerprint(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert path_fingerprint(tmp_path) != before


def test_an_address_elsewhere_counts_whole() -> None:
    """Only on this machine does a port say nothing."""
    assert _address("http://localhost:81/v1") == "http://localhost/v1"
    assert _address("http://example.com:81/v1") == "http://example.com:81/v1"


def test_the_code_that_decides_has_one_fingerprint() -> None:
    """Equal for equal code."""
    assert code_fingerprint() == code_fingerprint()
    assert len(code_fingerprint()) == 64
