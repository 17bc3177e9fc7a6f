"""A colour for each engine, the same in every report: chosen to be told apart, also without red and green."""

from __future__ import annotations

import hashlib

_KNOWN = {
    "parser": "#4477aa",
    "columns": "#66ccee",
    "table_model": "#228833",
    "tesseract": "#ccbb44",
    "rapidocr": "#ee6677",
    "": "#bbbbbb",
}
_OTHERS = ("#aa3377", "#ee7733", "#009988", "#cc3311", "#332288", "#882255")


def colour_of(engine: str) -> str:
    """The engine's colour as CSS takes it (palette: Paul Tol, "Colour Schemes", SRON 2021)."""
    if engine in _KNOWN:
        return _KNOWN[engine]
    return _OTHERS[hashlib.sha256(engine.encode()).digest()[0] % len(_OTHERS)]
