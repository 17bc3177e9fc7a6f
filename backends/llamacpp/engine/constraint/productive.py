"""Takes out of a grammar what can be begun but never be completed, such as a rule that always needs itself.

Without that an answer could go a way that has no end.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from backends.llamacpp.engine.constraint.grammar_tree import Choice, Joined, Name, Node, Repeat

_NOTHING = Joined(())


def pruned(rules: Mapping[str, Node]) -> dict[str, Node]:
    """Return the rules that can be completed, without those ways through them that cannot.

    Raises ValueError where ``root`` is not among them.
    """
    endless = set(rules)
    while True:
        rest = {name for name in endless if _without(rules[name], endless) is None}
        if rest == endless:
            break
        endless = rest
    if "root" in endless:
        raise ValueError("no text can ever complete it: every way through 'root' needs itself again")
    kept = {name: _without(rule, endless) for name, rule in rules.items()}
    return {name: rule for name, rule in kept.items() if rule is not None}


def _without(node: Node, endless: Container[str]) -> Node | None:
    """``node`` without what needs a rule of ``endless``; None where nothing is left."""
    match node:
        case Name(name):
            return None if name in endless else node
        case Joined(parts):
            kept = [_without(part, endless) for part in parts]
            whole = tuple(part for part in kept if part is not None)
            return Joined(whole) if len(whole) == len(kept) else None
        case Choice(options):
            left = tuple(one for option in options if (one := _without(option, endless)) is not None)
            return (left[0] if len(left) == 1 else Choice(left)) if left else None
        case Repeat(part, least, most):
            inner = _without(part, endless)
            if inner is not None:
                return Repeat(inner, least, most)
            return _NOTHING if least == 0 else None
    return node
