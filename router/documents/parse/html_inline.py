"""Inline HTML: which tags set text in which style, and the text of a node with its marks.

Refuses to know what a block is good for; here blocks only keep words apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.documents.marks import Mark, Style
from router.documents.parse.runs import PLAIN, Runs, Setting

_STYLES = {
    **dict.fromkeys(("b", "strong"), Style.BOLD),
    **dict.fromkeys(("i", "em", "var", "cite", "dfn"), Style.ITALIC),
    **dict.fromkeys(("s", "del", "strike"), Style.STRIKE),
    **dict.fromkeys(("code", "kbd", "samp", "tt", "pre"), Style.CODE),
}
_KEEP_TOGETHER = """
a span font u ins mark small big sub sup abbr acronym q b strong i em var cite dfn s del strike code kbd samp
tt label time bdi bdo wbr data output ruby rb -text -comment
"""
_INLINE = frozenset(_KEEP_TOGETHER.split())


def children(node: Any) -> Iterator[Any]:
    """A node's children in order."""
    child = node.child
    while child is not None:
        yield child
        child = child.next


def setting_in(node: Any, around: Setting) -> Setting:
    """How text in ``node`` is set, where ``around`` it is set so."""
    style = _STYLES.get(node.tag)
    if style is not None:
        return around.also(style)
    target = (node.attributes.get("href") or "").strip() if node.tag == "a" else ""
    return around.also(Style.LINK, target) if target else around


def inline_text(root: Any) -> tuple[str, tuple[Mark, ...]]:
    """All text in ``root`` on lines as few as its breaks, with its marks."""
    runs = Runs()
    stack: list[tuple[Any, Setting]] = [(child, PLAIN) for child in reversed(list(children(root)))]
    while stack:
        node, setting = stack.pop()
        if node is None:
            runs.add(" ")
        elif node.tag == "-text":
            runs.add(node.text(deep=False), setting)
        elif node.tag == "br":
            runs.add(" ")
        elif node.tag == "math" and (formula := latex_of(node)):
            runs.add(formula, setting.also(Style.FORMULA))
        else:
            inner = setting_in(node, setting)
            is_block = node.tag not in _INLINE
            stack += [(None, PLAIN)] if is_block else []
            stack += [(child, inner) for child in reversed(list(children(node)))]
            stack += [(None, PLAIN)] if is_block else []
    return _on_one_line(runs)


def _on_one_line(runs: Runs) -> tuple[str, tuple[Mark, ...]]:
    runs.unbreak()
    return runs.take()


def latex_of(node: Any) -> str:
    """The LaTeX that a ``math`` element brings with it, between dollars; empty: it brings none."""
    for annotation in node.css("annotation"):
        if "tex" in (annotation.attributes.get("encoding") or "").lower():
            return _dollars(annotation.text())
    return _dollars(node.attributes.get("alttext") or "")


def _dollars(text: str) -> str:
    text = " ".join(text.split())
    return f"${text}$" if text else ""
