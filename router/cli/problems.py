"""Problems of a configuration, for programs."""

from __future__ import annotations

from collections.abc import Iterable

from router.config.problems import Problem


def problems_json(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Write problems as objects that an editor or a CI job can place."""
    return [
        {
            "file": problem.source,
            "line": problem.position.line,
            "column": problem.position.column,
            "key": problem.key,
            "message": problem.message,
        }
        for problem in problems
    ]
