"""The registry: every name loads, and what is missing is named."""

import subprocess
import sys

import pytest
from pydantic import BaseModel, ValidationError

from backends import registry
from backends.base import Backend
from backends.registry import BackendNotInstalled, UnknownBackend, backend_class, backend_names


@pytest.mark.parametrize("name", backend_names())
def test_every_name_loads_a_backend_with_strict_options(name: str) -> None:
    """A backend class has Options that refuse unknown keys, and the seam's methods."""
    cls = backend_class(name)
    options: type[BaseModel] = cls.Options  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="no_such_option"):
        options(no_such_option=1)
    assert all(hasattr(cls, method) for method in ("start", "close", "stream", "count_tokens"))


def test_an_echo_is_a_backend() -> None:
    """The seam can be checked at run time."""
    cls = backend_class("echo")
    assert isinstance(cls(cls.Options()), Backend)  # type: ignore[attr-defined]


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A typo is easy to see."""
    with pytest.raises(UnknownBackend, match="llamacpp"):
        backend_class("lamacpp")


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(registry.LIBRARIES, "moe", "no_such_library")
    with pytest.raises(BackendNotInstalled, match=r"no_such_library.*pip install 'upshift\[moe\]'"):
        backend_class("moe")


def test_loading_a_backend_imports_no_model_library() -> None:
    """Checking a configuration is fast: torch, transformers and llama.cpp come in when a backend starts."""
    code = (
        "import sys; from backends.registry import backend_class, backend_names;"
        "[backend_class(name) for name in backend_names()];"
        "print([m for m in ('torch', 'transformers', 'llama_cpp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
