"""What a newcomer trips over: wrong arguments, closed pipes, odd bytes, narrow and absent terminals."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from router.cli.demo import _table
from router.cli.screen import screen
from router.demo.run import Outcome
from router.demo.summary import Measured, summarize
from tests.conftest import ECHO
from tests.router.cli.conftest import Run


def test_bare_command_shows_help(upshift: Run) -> None:
    """`upshift` alone is a question, not a mistake."""
    ended = upshift()
    assert (ended.code, ended.err) == (0, "")
    assert "First steps" in ended.out


def test_misuse_points_to_the_help_of_its_verb(upshift: Run) -> None:
    """A wrong option names what was meant and where to read on."""
    ended = upshift("ask", "--polcy", "x", "hello")
    assert ended.code == 2
    assert "--policy" in ended.err
    assert ended.err.endswith("try upshift ask --help\n")


def test_missing_configuration_says_how_to_get_one(upshift: Run, tmp_path: Path) -> None:
    """No file is the first thing that goes wrong."""
    assert "`upshift init` writes one" in upshift("serve", str(tmp_path / "upshift.yaml")).err


def test_prompt_of_odd_bytes(upshift: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Input that is not UTF-8 is the caller's mistake, not ours."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\udcff"))
    ended = upshift("ask", "--config", str(ECHO), "-", "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (2, "PROMPT_ENCODING")


def test_closed_pipe_ends_quietly() -> None:
    """A reader that has seen enough, as `head` has, gets no traceback."""
    command = [sys.executable, "-m", "router.cli", "ask", "-c", str(ECHO), "word " * 7000]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        said = child.stderr.read().decode()
    assert (child.returncode, said) == (1, "")


def test_tables_are_not_cut_for_a_terminal_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long model name reaches a file or a pipe whole."""
    monkeypatch.delenv("COLUMNS", raising=False)
    screen().print("m" * 300)
    assert capsys.readouterr().out == "m" * 300 + "\n"


def test_demo_fits_into_80_columns() -> None:
    """The first table that a newcomer sees is whole on the narrowest usual terminal."""
    runs = {
        f"always_{tier}": summarize([Measured("kind", tier, True, 0.9, 0.01, 9.999, 1)])
        for tier in ("edge", "local", "frontier")
    }
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(_table(Outcome(1, runs)))
    drawn = console.export_text()
    assert "always_frontier" in drawn
    assert "…" not in drawn
    assert all(name in drawn for name in ("% by edge/", "local/frontier", "100/0/0", "0/0/100"))
