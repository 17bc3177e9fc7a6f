"""``upshift doctor`` as people and programs use it."""

from __future__ import annotations

from pathlib import Path

from router.doctor.finding import State
from tests.router.cli.conftest import Run

_TOPICS = {"cores", "load", "memory", "memory bandwidth", "llama.cpp", "instructions", "AMX", "OpenMP", "GPU"}


def test_findings_as_json(upshift: Run, tiny_gguf: Path) -> None:
    """Programs get every topic, and the worst of all states."""
    ended = upshift("doctor", "--json", "--model", str(tiny_gguf))
    states = {finding["topic"]: finding["state"] for finding in ended.json["findings"]}
    assert states.keys() >= _TOPICS
    assert states["self-test"] == "ok"
    assert ended.json["state"] == max(states.values(), key=list(State).index)
    assert ended.code == (1 if "broken" in states.values() else 0)


def test_findings_for_people(upshift: Run, tiny_gguf: Path) -> None:
    """The table has a line for each finding, and advice is marked by an arrow."""
    ended = upshift("doctor", "--model", str(tiny_gguf))
    assert all(topic in ended.out for topic in _TOPICS)
    assert f"two tokens of {tiny_gguf.name} computed" in ended.out


def test_broken_exits_with_1(upshift: Run, tmp_path: Path) -> None:
    """A script can ask whether the machine is fit; brackets in what was seen are not taken for markup."""
    broken = tmp_path / "broken[1].gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    ended = upshift("doctor", "--model", str(broken))
    assert ended.code == 1
    assert "broken[1].gguf" in ended.out
    assert "→ try another GGUF file" in ended.out


def test_missing_model_is_the_callers_mistake(upshift: Run) -> None:
    """A file that is not there ends the command before anything is measured."""
    assert upshift("doctor", "--model", "no-such.gguf").code == 2


def test_help_teaches(upshift: Run) -> None:
    """The help says what is looked at, what the states mean, and how to go on."""
    shown = upshift("doctor", "--help").out
    assert all(word in shown for word in ("broken", "--model my.gguf", "Exit codes"))
