"""Stand-ins for personal data: ``<EMAIL_1>`` for an address, and the way back.

Decides which stand-in a value gets: the same for the same value in all texts of a request, and none that
stands in them already, so that putting values back gives what was there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from policies.pii.scan import scan

_FORM = re.compile(r"<[A-Z][A-Z0-9_]*_[0-9]+>")


class StandIns:
    """Those of one request. ``values`` by stand-in; it is nobody's to store or log."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def __repr__(self) -> str:
        """Without the values, so that no log shows them."""
        return f"StandIns({len(self.values)})"

    def restored(self, text: str, escape: Callable[[str], str] = str) -> str:
        """``text`` with values, passed through ``escape``, in place of their stand-ins."""
        return (
            _FORM.sub(lambda found: escape(self.values.get(found[0], found[0])), text)
            if self.values
            else text
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where stand-ins lie in ``text``."""
        return [found.span() for found in _FORM.finditer(text) if found[0] in self.values]


def redacted(texts: Sequence[str], kinds: Iterable[str]) -> tuple[tuple[str, ...], StandIns]:
    """``texts`` with stand-ins for all data of ``kinds``, and what they stand for."""
    kinds = tuple(kinds)
    taken = {found for text in texts for found in _FORM.findall(text)}
    names: dict[tuple[str, str], str] = {}
    counts: Counter[str] = Counter()

    def name_of(kind: str, value: str) -> str:
        while (kind, value) not in names:
            counts[kind] += 1
            name = f"<{kind.upper()}_{counts[kind]}>"
            if name not in taken:
                names[kind, value] = name
        return names[kind, value]

    hidden = []
    for text in texts:
        pieces, end = [], 0
        for found in scan(text, kinds):
            pieces += [text[end : found.start], name_of(found.kind, text[found.start : found.end])]
            end = found.end
        hidden.append("".join([*pieces, text[end:]]))
    return tuple(hidden), StandIns({name: value for (_, value), name in names.items()})
