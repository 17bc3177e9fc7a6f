"""The sources of the llama-cpp-python that is installed: the example server and llama.cpp itself.

The wheel holds neither. They are fetched by pip, once.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

from tests.bench.edge.folder import cache_folder

_TIMEOUT_S = 300.0
# What the example server imports beyond what Upshift's environment has.
_EXAMPLE_PACKAGES = ("openai", "websockets")


class MissingError(Exception):
    """A competitor cannot run here; the message says why."""


def llama_cpp_version() -> str:
    """Version of llama-cpp-python, which decides that of llama.cpp too."""
    return version("llama-cpp-python")


def source_folder() -> Path:
    """Return the unpacked sources; raises MissingError where they cannot be had."""
    folder = cache_folder("sources")
    name = f"llama_cpp_python-{llama_cpp_version()}"
    if not (folder / name).is_dir():
        archive = folder / f"{name}.tar.gz"
        if not archive.is_file():
            wanted = f"llama-cpp-python=={llama_cpp_version()}"
            _pip("download", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", str(folder), wanted)
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    return folder / name


def example_packages() -> Path:
    """Return a folder to put on PYTHONPATH for the example server; raises MissingError without it."""
    folder = cache_folder("example-server")
    if not (folder / "openai").is_dir():
        _pip("install", "--target", str(folder), *_EXAMPLE_PACKAGES)
    return folder


def _pip(*arguments: str) -> None:
    command = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except subprocess.CalledProcessError as exc:
        raise MissingError(f"pip {arguments[0]} failed: {exc.stderr.strip().splitlines()[-1:]}") from exc
    except subprocess.TimeoutExpired as exc:
        raise MissingError(f"pip {arguments[0]} took more than {_TIMEOUT_S:.0f} s") from exc
