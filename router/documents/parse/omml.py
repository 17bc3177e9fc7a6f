"""Equations of Office documents (OMML) as LaTeX: fractions, scripts, roots, brackets, sums.

Without it ``r`` squared would be read as ``r2``. What is not known is given as its characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_NARY = {"∑": r"\sum", "∏": r"\prod", "∫": r"\int", "⋃": r"\bigcup", "⋂": r"\bigcap"}
_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau
upsilon phi chi psi omega
"""
_COMMANDS = """
Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Φ Phi Ψ Psi Ω Omega ± pm ∓ mp × times ÷ div ⋅ cdot ∙ bullet
≤ leq ≥ geq ≠ neq ≈ approx ≡ equiv ∝ propto ∞ infty ∂ partial ∇ nabla ∈ in ∉ notin ⊂ subset ⊆ subseteq
∪ cup ∩ cap ∅ emptyset ∀ forall ∃ exists ¬ neg ∧ wedge ∨ vee → to ← leftarrow ⇒ Rightarrow ⇔ Leftrightarrow
↔ leftrightarrow … dots ⋯ cdots
"""
_SIGNS = _COMMANDS.split()
# The space keeps a letter behind from becoming part of the command.
_SYMBOLS = str.maketrans(
    {chr(ord("α") + index): f"\\{name} " for index, name in enumerate(_GREEK.split())}
    | {sign: f"\\{name} " for sign, name in zip(_SIGNS[::2], _SIGNS[1::2], strict=True)}
    | {"\u2212": "-", "\u2013": "-", "\u2010": "-"}
)
_PROPERTIES = frozenset(
    f"{M}{name}"
    for name in ("rPr", "fPr", "sSupPr", "sSubPr", "sSubSupPr", "radPr", "dPr", "naryPr", "ctrlPr")
)


def latex(node: Any) -> str:
    """LaTeX of an ``m:oMath`` or of any part of one."""
    if node.tag == f"{M}t":
        return (node.text or "").translate(_SYMBOLS)
    writer = _WRITERS.get(node.tag.removeprefix(M))
    return _inside(node) if writer is None else writer(node)


def _inside(node: Any) -> str:
    return "".join(latex(child) for child in node if child.tag not in _PROPERTIES)


def _part(node: Any, name: str) -> str:
    found = node.find(f"{M}{name}")
    return "" if found is None else _inside(found)


def _fraction(node: Any) -> str:
    return rf"\frac{{{_part(node, 'num')}}}{{{_part(node, 'den')}}}"


def _superscript(node: Any) -> str:
    return f"{_part(node, 'e')}^{{{_part(node, 'sup')}}}"


def _subscript(node: Any) -> str:
    return f"{_part(node, 'e')}_{{{_part(node, 'sub')}}}"


def _both(node: Any) -> str:
    return f"{_part(node, 'e')}_{{{_part(node, 'sub')}}}^{{{_part(node, 'sup')}}}"


def _root(node: Any) -> str:
    degree = _part(node, "deg")
    return rf"\sqrt{f'[{degree}]' if degree else ''}{{{_part(node, 'e')}}}"


def _brackets(node: Any) -> str:
    inside = ",".join(_inside(part) for part in node.findall(f"{M}e"))
    return f"{_sign(node, 'dPr', 'begChr', '(')}{inside}{_sign(node, 'dPr', 'endChr', ')')}"


def _sum(node: Any) -> str:
    sign = _sign(node, "naryPr", "chr", "∫")
    low, high = _part(node, "sub"), _part(node, "sup")
    limits = (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "")
    return f"{_NARY.get(sign, sign)}{limits} {_part(node, 'e')}"


def _sign(node: Any, properties: str, name: str, usual: str) -> str:
    found = node.find(f"{M}{properties}/{M}{name}")
    return usual if found is None else found.get(f"{M}val") or ""


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": _superscript,
    "sSub": _subscript,
    "sSubSup": _both,
    "rad": _root,
    "d": _brackets,
    "nary": _sum,
}
