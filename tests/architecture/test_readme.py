"""What the README says is so: commands and code run, configuration is right, links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from router.config import parse
from router.rpc.client.channel import DEFAULT_TARGET

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = tuple(ROOT / page for page in ("README.md", "CHANGELOG.md", "examples/README.md"))
PAGES += tuple(ROOT / "examples" / folder / "README.md" for folder in ("deployment", "observability"))


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def _commands(program: str) -> list[list[str]]:
    lines = "".join(_blocks("console")).splitlines()
    words = (shlex.split(line, comments=True) for line in lines)
    return [command for command in words if command and command[0] == program]


ASKING = [words[1:] for words in _commands("upshift") if words[1] != "serve"]


def test_readme_is_read_in_one_sitting() -> None:
    """It stays under 200 lines."""
    assert len(README.splitlines()) < 200


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_command_runs(words: list[str], echo_server: str, tmp_path: Path) -> None:
    """Every command of the README ends well, against a server of the example that it serves."""
    done = subprocess.run(
        [sys.executable, "-m", "router.cli", *words],
        env=os.environ | {"UPSHIFT_SERVER": echo_server},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_served_configuration_is_the_one_tested() -> None:
    """What the README serves is what the other tests here ask."""
    assert [words[1:] for words in _commands("upshift") if words[1] == "serve"] == [
        ["serve", "examples/echo.yaml", "--http", "127.0.0.1:8080"]
    ]


def test_make_targets_exist() -> None:
    """`make` knows every target that the README names."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {words[1] for words in _commands("make")} | set(re.findall(r"`make ([a-z-]+)`", README))
    assert {"demo", "test"} <= named <= set(targets)


@pytest.mark.parametrize("code", _blocks("python"))
def test_python_runs(code: str, echo_server: str) -> None:
    """Every Python block runs as it stands, but for the address."""
    assert DEFAULT_TARGET in code
    code = code.replace(DEFAULT_TARGET, echo_server)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "What is routing? edge 0.99" in done.stdout


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_yaml_is_right(text: str) -> None:
    """Every configuration would be served, once its variables are set."""
    assert parse(text, allow_unset_env=True).version == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or a folder."""
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not gone


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    """A block in a new language needs a test here; text and pictures need none."""
    kinds = set(re.findall(r"^```(\w+)$", README, re.MULTILINE))
    assert kinds <= {"console", "python", "yaml", "text"}
