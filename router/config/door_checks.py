"""What must hold between the sections of the doors, told beside all other problems of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.config.document import Document
from router.config.problems import Problem


def door_checks(document: Document) -> Iterator[Problem]:
    """Everything that is wrong between tenants, ledger, keys and the admin port."""
    data = document.data if isinstance(document.data, dict) else {}
    yield from _tenants(document, data)
    yield from _ledger(document, data)
    if _get(data, "admin", "listen") is not None and _get(data, "auth", "keys") is None:
        yield document.problem(("admin", "listen"), "needs auth.keys: no admin call is taken without a key")
    yield from _ui(document, data)


def _tenants(document: Document, data: dict[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, tenant in enumerate(_list(data)):
        name = tenant.get("name") if isinstance(tenant, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            yield document.problem(("tenants", index, "name"), f"{name!r} is in the list twice; keep one")
        seen.add(name)


def _ledger(document: Document, data: dict[str, Any]) -> Iterator[Problem]:
    path, url = _get(data, "ledger", "path"), _get(data, "ledger", "url")
    if path is not None and url is not None:
        yield document.problem(("ledger",), "has both a path and a url; keep one")
    if path is None and url is None:
        for index, tenant in enumerate(_list(data)):
            budget = tenant.get("budget") if isinstance(tenant, dict) else None
            if isinstance(budget, dict) and any(value is not None for value in budget.values()):
                yield document.problem(("tenants", index, "budget"), "needs ledger.path or ledger.url")
    if isinstance(url, str) and not url.startswith(("postgresql://", "postgres://", "${")):
        yield document.problem(("ledger", "url"), "must start with postgresql://")


def _ui(document: Document, data: dict[str, Any]) -> Iterator[Problem]:
    if _get(data, "ui", "allow_beyond_loopback") is True and _get(data, "auth", "keys") is None:
        said = "needs auth.keys: without a key the pages open to this machine alone"
        yield document.problem(("ui", "allow_beyond_loopback"), said)
    baseline = _get(data, "ui", "baseline")
    tiers = data.get("tiers")
    known = [tier.get("name") for tier in tiers if isinstance(tier, dict)] if isinstance(tiers, list) else []
    if isinstance(baseline, str) and baseline not in known:
        yield document.problem(("ui", "baseline"), f"no tier is called {baseline!r}")


def _list(data: dict[str, Any]) -> list[Any]:
    tenants = data.get("tenants")
    return tenants if isinstance(tenants, list) else []


def _get(data: dict[str, Any], section: str, key: str) -> Any:
    found = data.get(section)
    return found.get(key) if isinstance(found, dict) else None
