"""What is deployed by is in step with the project: files, extras, verbs and settings that it names exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from router.cli.app import app
from router.config import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "deployment"
CONTAINERFILE = (FOLDER / "Containerfile").read_text(encoding="utf-8")
UNIT = (FOLDER / "upshift.service").read_text(encoding="utf-8")


def test_what_is_copied_is_there() -> None:
    """Every path that the image is built from exists, and its ignore file lets it through."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    sources = [word for line in lines for word in line.split()]
    ignored = (FOLDER / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert len(sources) >= 9
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if f"!{source}" not in ignored] == []


def test_extras_exist() -> None:
    """What the image and the page install is an extra of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    lists = re.findall(r"EXTRAS=([a-z,-]+)", CONTAINERFILE) + re.findall(r"'\.\[([a-z,-]+)\]'", page)
    assert len(lists) >= 3
    assert {extra for names in lists for extra in names.split(",")} <= set(project["optional-dependencies"])


def test_verbs_exist() -> None:
    """What the image and the unit run are verbs of the command."""
    verbs = {command.name for command in app.registered_commands}
    in_unit = set(re.findall(r"/bin/upshift (\w+)", UNIT))
    in_image = set(re.findall(r'CMD \["upshift", "(\w+)"', CONTAINERFILE)) | {"serve"}
    assert in_unit | in_image == {"validate", "serve", "health"}
    assert in_unit | in_image <= verbs


def test_the_unit_waits_for_the_drain() -> None:
    """It is killed only after the configuration's time for running requests is over."""
    stop_s = re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    config = load(FOLDER / "upshift.yaml", allow_unset_env=True)
    assert stop_s is not None
    assert int(stop_s[1]) > config.server.drain_grace_s


def test_the_doors_are_shut() -> None:
    """Beyond this machine it is served with keys and encryption, and no exception is made."""
    config = load(FOLDER / "upshift.yaml", allow_unset_env=True)
    assert config.auth.keys is not None
    assert config.server.tls is not None
    assert not config.server.allow_insecure_listen
