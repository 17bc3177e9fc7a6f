"""What must hold between the document policies and the rest of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.config.document import Document
from router.config.documents import ENGINES
from router.config.explain import suggestion
from router.config.problems import Problem


def document_checks(document: Document) -> Iterator[Problem]:
    """Names on the ladders of document policies that neither an engine nor a tier has."""
    data = document.data if isinstance(document.data, dict) else {}
    tiers = [tier.get("name") for tier in _list(data.get("tiers")) if isinstance(tier, dict)]
    known = (*ENGINES, *(name for name in tiers if isinstance(name, str)))
    documents = data.get("documents")
    policies = _list(documents.get("policies")) if isinstance(documents, dict) else []
    for index, policy in enumerate(policies):
        ladder = _list(policy.get("ladder")) if isinstance(policy, dict) else []
        for place, name in enumerate(ladder):
            if isinstance(name, str) and name not in known:
                said = f"no engine and no tier is called {name!r}{suggestion(name, known)}"
                yield document.problem(("documents", "policies", index, "ladder", place), said)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
