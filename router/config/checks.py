"""What must hold between parts of a configuration.

Decides which names must exist and be unique, and that every policy can be reached. Looks at plain
data that may still be wrong in other ways, so that all problems are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.registry import DETECTORS
from router.config.document import Document
from router.config.explain import suggestion
from router.config.problems import Location, Problem


def cross_checks(document: Document) -> Iterator[Problem]:
    """Everything that is wrong between parts of the file."""
    tiers = _named(document.data, "tiers")
    policies = _named(document.data, "policies")
    yield from _unique(document, tiers)
    yield from _unique(document, policies)
    known = tuple(str(item["name"]) for _, item in tiers)
    for at, policy in policies:
        yield from _ladder(document, at, policy, known)
        yield from _arms(document, at, policy)
    yield from _probes(document, known)
    yield from _kinds(document)
    yield from _reachable(document, policies)


_Named = list[tuple[Location, dict[str, Any]]]


def _named(data: Any, key: str) -> _Named:
    items = data.get(key) if isinstance(data, dict) else None
    return [
        ((key, index), item)
        for index, item in enumerate(items if isinstance(items, list) else ())
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]


def _unique(document: Document, items: _Named) -> Iterator[Problem]:
    first: dict[str, Location] = {}
    for at, item in items:
        name = item["name"]
        if name in first:
            line = document.positions[first[name]].line
            yield document.problem((*at, "name"), f"{name!r} is taken since line {line}; names are unique")
        first.setdefault(name, at)


def _ladder(
    document: Document, at: Location, policy: dict[str, Any], known: tuple[str, ...]
) -> Iterator[Problem]:
    ladder = _strings(policy.get("ladder"))
    for index, name in enumerate(ladder):
        if name not in known:
            yield document.problem(
                (*at, "ladder", index), f"no tier is called {name!r}{suggestion(name, known)}"
            )
        elif name in ladder[:index]:
            yield document.problem((*at, "ladder", index), f"{name!r} is on the ladder twice; keep one")


def _arms(document: Document, at: Location, policy: dict[str, Any]) -> Iterator[Problem]:
    ladder = _strings(policy.get("ladder"))
    objective = policy.get("objective")
    arms = objective.get("arms") if isinstance(objective, dict) else None
    seen: list[tuple[Any, Any]] = []
    for index, arm in enumerate(arms if isinstance(arms, list) else ()):
        if not isinstance(arm, dict) or not isinstance(arm.get("tier"), str):
            continue
        here = (*at, "objective", "arms", index)
        if arm["tier"] not in ladder:
            message = f"{arm['tier']!r} is not on this policy's ladder{suggestion(arm['tier'], ladder)}"
            yield document.problem((*here, "tier"), message)
        if (twin := (arm["tier"], arm.get("samples"))) in seen:
            yield document.problem(here, f"{arm['tier']!r} is asked as often by an earlier arm; keep one")
        seen.append(twin)


def _probes(document: Document, known: tuple[str, ...]) -> Iterator[Problem]:
    confidence = document.data.get("confidence") if isinstance(document.data, dict) else None
    probes = confidence.get("probes") if isinstance(confidence, dict) else None
    names: list[str] = []
    for index, probe in enumerate(probes if isinstance(probes, list) else ()):
        if not isinstance(probe, dict) or not isinstance(name := probe.get("probe"), str):
            continue
        here = ("confidence", "probes", index)
        if name in names:
            yield document.problem((*here, "probe"), f"{name!r} is there twice; keep one")
        names.append(name)
        tier = probe.get("tier")
        if isinstance(tier, str) and tier not in known:
            message = f"no tier is called {tier!r}{suggestion(tier, known)}"
            yield document.problem((*here, "tier"), message)


def _kinds(document: Document) -> Iterator[Problem]:
    privacy = document.data.get("privacy") if isinstance(document.data, dict) else None
    known = DETECTORS.names()
    for key in ("detect", "redact"):
        kinds = _strings(privacy.get(key)) if isinstance(privacy, dict) else []
        for index, kind in enumerate(kinds):
            here = ("privacy", key, index)
            if kind not in known:
                said = f"no kind of personal data is called {kind!r}{suggestion(kind, known)}"
                yield document.problem(here, said)
            elif kind in kinds[:index]:
                yield document.problem(here, f"{kind!r} is there twice; keep one")


def _reachable(document: Document, policies: _Named) -> Iterator[Problem]:
    """Check that every request finds a policy, and that no match rule hides behind an earlier one.

    A policy without a match rule behind one that takes everything is not lost: it is asked for by name.
    """
    earlier: list[tuple[str, _Rule]] = []
    for at, policy in policies:
        rule = _Rule(policy.get("match"))
        hiding = next((name for name, other in earlier if other.covers(rule)), None)
        if hiding is not None and not rule.takes_all:
            message = f"never fits: {hiding!r} takes these requests first; move it up"
            yield document.problem((*at, "match"), message)
        earlier.append((policy["name"], rule))
    if policies and not any(rule.takes_all for _, rule in earlier):
        message = "some requests match no policy; add one without `match` at the end"
        yield document.problem(("policies",), message)


class _Rule:
    """A match rule as two sets of alternatives; an empty one means any."""

    def __init__(self, match: Any) -> None:
        match = match if isinstance(match, dict) else {}
        self._alternatives = (set(_strings(match.get("tags"))), set(_strings(match.get("tenants"))))

    @property
    def takes_all(self) -> bool:
        return not any(self._alternatives)

    def covers(self, other: _Rule) -> bool:
        """Whether every request that ``other`` fits fits this one too."""
        pairs = zip(self._alternatives, other._alternatives, strict=True)
        return all(not mine or (theirs and theirs <= mine) for mine, theirs in pairs)


def _strings(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
