"""From a YAML file to a configuration that can be built, or to everything that is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from router.config.checks import cross_checks
from router.config.document import Document
from router.config.document_checks import document_checks
from router.config.door_checks import door_checks
from router.config.explain import problems_of
from router.config.model import Config
from router.config.options import resolve
from router.config.problems import ConfigError, Location, Position, Problem
from router.config.reader import read_document


def load(path: str | Path, *, allow_unset_env: bool = False) -> Config:
    """Read the configuration at ``path``; relative paths in it start at its directory.

    ``allow_unset_env`` leaves references to unset variables as they are written: enough to check
    a file, not to serve it. Raises ConfigError with all problems.
    """
    path = Path(path)
    text = read_text(path)
    return parse(text, source=str(path), directory=path.parent, allow_unset_env=allow_unset_env)


def read_text(path: Path) -> str:
    """Read the file at ``path`` unchecked. Raises ConfigError where it cannot be."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror or "" if isinstance(exc, OSError) else f"not UTF-8 at byte {exc.start}"
        if isinstance(exc, FileNotFoundError):
            reason += "; `upshift init` writes one to start from"
        raise ConfigError((Problem(str(path), Position(1, 1), "", f"cannot be read: {reason}"),)) from exc


def parse(
    text: str,
    *,
    source: str = "<text>",
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    allow_unset_env: bool = False,
) -> Config:
    """Read a configuration from ``text``, which ``source`` names in errors.

    ``directory`` None is the current one, ``environment`` None the process's own.
    """
    variables = os.environ if environment is None else environment
    document = read_document(text, source, variables, keep_unset=allow_unset_env)
    base = (directory or Path()).resolve()
    config, shape_problems = _shape(document)
    resolved = resolve(document, base)
    between = (*cross_checks(document), *door_checks(document), *document_checks(document))
    problems = {*document.problems, *shape_problems, *resolved.problems, *between}
    if problems or config is None:
        raise ConfigError(_in_file_order(document, problems))
    return _complete(config, resolved.options, base)


def _shape(document: Document) -> tuple[Config | None, tuple[Problem, ...]]:
    try:
        return Config.model_validate_json(json.dumps(document.data), strict=True), ()
    except ValidationError as exc:
        return None, tuple(problems_of(exc, document, Config))


def _in_file_order(document: Document, problems: set[Problem]) -> tuple[Problem, ...]:
    """Sorted by place; of several at one key, what reading the file found is told alone."""
    told = {problem.key for problem in document.problems}
    kept = {problem for problem in problems if problem.key not in told}.union(document.problems)
    return tuple(sorted(kept, key=lambda p: (p.position.line, p.position.column, p.key, p.message)))


def _complete(config: Config, options: Mapping[Location, BaseModel], directory: Path) -> Config:
    """Put checked options and absolute paths where the file had raw ones."""

    def with_options(section: Any, at: Location) -> Any:
        return section.model_copy(update={"options": options[at]})

    tiers = tuple(with_options(t, ("tiers", i, "options")) for i, t in enumerate(config.tiers))
    policies = tuple(
        policy.model_copy(update={"objective": with_options(policy.objective, ("policies", i, "objective"))})
        for i, policy in enumerate(config.policies)
    )
    document_policies = tuple(
        policy.model_copy(
            update={"objective": with_options(policy.objective, ("documents", "policies", i, "objective"))}
        )
        for i, policy in enumerate(config.documents.policies)
    )
    probes = tuple(
        with_options(probe, ("confidence", "probes", i)) for i, probe in enumerate(config.confidence.probes)
    )

    def with_paths(section: Any, *names: str) -> Any:
        moved = {name: _below(directory, getattr(section, name)) for name in names}
        return section.model_copy(update=moved)

    documents = with_paths(config.documents, "journal")
    roots = tuple(directory / root.expanduser() for root in documents.roots)
    server = config.server
    if server.tls is not None:
        tls = with_paths(server.tls, "certificate", "private_key", "client_ca")
        server = server.model_copy(update={"tls": tls})
    difficulty = with_options(config.difficulty, ("difficulty", "options"))
    if difficulty.encoder is not None:
        difficulty = difficulty.model_copy(update={"encoder": difficulty.encoder.below(directory)})
    books = config.ledger.books or (Path("books") if config.ledger.url else None)
    return config.model_copy(
        update={
            "tiers": tiers,
            "policies": policies,
            "journal": with_paths(config.journal, "path"),
            "documents": documents.model_copy(update={"policies": document_policies, "roots": roots}),
            "confidence": config.confidence.model_copy(update={"probes": probes}),
            "server": server,
            "auth": with_paths(config.auth, "keys"),
            "admin": with_paths(config.admin, "audit", "versions"),
            "ledger": with_paths(config.ledger.model_copy(update={"books": books}), "path", "books"),
            "learnt": _below(directory, config.learnt),
            "difficulty": difficulty,
        }
    )


def _below(directory: Path, path: Path | None) -> Path | None:
    return None if path is None else directory / path.expanduser()
