"""Names of backends and where their code lives; the one place that is edited to add one.

An adapter's module is imported only when its name is asked for, so that model libraries are
paid for by those who use them. A package outside this tree adds a backend by the entry point
group ``upshift.backends``; its value names a class like the ones below.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

BACKENDS: dict[str, str] = {
    "anthropic_messages": "backends.anthropic_messages:AnthropicMessagesBackend",
    "echo": "backends.echo:EchoBackend",
    "llamacpp": "backends.llamacpp.backend:LlamaCppBackend",
    "moe": "backends.moe.backend:MoeBackend",
    "openai_chat": "backends.openai_chat:OpenAIChatBackend",
    "openai_responses": "backends.openai_responses:OpenAIResponsesBackend",
    "upshift_node": "backends.upshift_node:UpshiftNodeBackend",
}
# What an adapter imports only when it starts. The extra that brings it is called as the backend.
LIBRARIES: dict[str, str] = {"llamacpp": "llama_cpp", "moe": "transformers"}
ENTRY_POINT_GROUP = "upshift.backends"


class UnknownBackend(LookupError):
    """No backend has this name."""


class BackendNotInstalled(ImportError):
    """The backend's library is not installed."""


def backend_names() -> tuple[str, ...]:
    """All names that :func:`backend_class` knows, sorted."""
    return tuple(sorted({*BACKENDS, *_announced()}))


def backend_class(name: str) -> type:
    """Load the backend class called ``name``.

    A backend class is constructed as ``Class(options)`` with an instance of its own
    ``Class.Options``, a strict pydantic model that says what its configuration may hold.

    Raises UnknownBackend, or BackendNotInstalled naming the extra that brings the library, which
    is not imported yet.
    """
    target = BACKENDS.get(name) or _announced().get(name)
    if target is None:
        raise UnknownBackend(f"no backend is called {name!r}; known: {', '.join(backend_names())}")
    module_name, _, class_name = target.partition(":")
    try:
        if name in LIBRARIES and find_spec(LIBRARIES[name]) is None:
            raise ModuleNotFoundError(name=LIBRARIES[name])
        loaded: type = getattr(import_module(module_name), class_name)
    except ModuleNotFoundError as exc:
        hint = f"; install it with: pip install 'upshift[{name}]'" if name in LIBRARIES else ""
        raise BackendNotInstalled(
            f"backend {name!r} needs the Python package {exc.name!r}, which is not installed{hint}"
        ) from exc
    return loaded


@cache
def _announced() -> dict[str, str]:
    """What other distributions bring, as "module:Class" by name; finding out reads a file for each of all."""
    return {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
