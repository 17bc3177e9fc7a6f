"""odlbench's stored outputs: what seven engines wrote for the same pages, how good it was, at what cost.

Features are honest: they come from what the cheap engine wrote, before anything else has run. Neither the
truth nor any score is among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

CHEAP, STRONG, HYBRID = "opendataloader", "docling", "opendataloader-hybrid"
Floats = npt.NDArray[np.float64]
_NUMBERED = re.compile(r"^(\d+(\.\d+)*|[A-Z])[.)]?\s+\S")
_TABLE_WORD, _FIGURE_WORD = (
    re.compile(r"\b(Table|Tab\.)\s*\d", re.IGNORECASE),
    re.compile(r"\b(Figure|Fig\.)\s*\d", re.IGNORECASE),
)
_SHORT, _HEADING = 40, 80


@dataclass(frozen=True, slots=True)
class Page:
    """One document of the benchmark: score and text by engine."""

    name: str
    scores: Mapping[str, float]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Replay:
    """All pages, and what an engine takes for one, in seconds."""

    pages: tuple[Page, ...]
    seconds: Mapping[str, float]

    def scores(self, engine: str) -> Floats:
        """Scores in [0, 1], one a page."""
        return np.array([page.scores[engine] for page in self.pages])

    def features(self) -> Floats:
        """What the cheap engine's text shows, (n_pages, n_features)."""
        return np.array([features_of(page.texts[CHEAP]) for page in self.pages])


def load(folder: Path) -> Replay:
    """Read the stored outputs."""
    pages, seconds = [], {}
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        engines = data["engines"]
        seconds = {name: float(engine["seconds_per_doc"]) for name, engine in engines.items()}
        pages.append(
            Page(
                data["doc"],
                {name: float(engine["scores"]["overall"] or 0.0) for name, engine in engines.items()},
                {name: engine["markdown"] or "" for name, engine in engines.items()},
            )
        )
    return Replay(tuple(pages), seconds)


def features_of(text: str) -> list[float]:
    """Shape of a page's Markdown."""
    lines = [line for line in text.split("\n") if line.strip()]
    words, count, length = text.split(), max(text.count("\n"), 1), max(len(text), 1)
    lengths = [len(line) for line in lines] or [0]
    rows = [line for line in lines if line.startswith("|")]
    return [
        float(len(text)),
        float(len(lines)),
        float(np.mean(lengths)),
        float(np.median(lengths)),
        *_shares(lines),
        float(len(rows)),
        float(max((row.count("|") for row in rows), default=0)),
        float(text.count("![")),
        sum(character.isdigit() for character in text) / length,
        text.count("  ") / length,
        len(set(words)) / max(len(words), 1),
        sum(len(word) <= 2 for word in words) / max(len(words), 1),
        float(text.count("�")),
        float(bool(_TABLE_WORD.search(text))),
        float(bool(_FIGURE_WORD.search(text))),
        count / length,
    ]


def _shares(lines: Sequence[str]) -> list[float]:
    count = max(len(lines), 1)
    kinds = (
        lambda line: line.startswith("#"),
        lambda line: line.startswith("|"),
        lambda line: len(line) < _SHORT,
        lambda line: sum(map(str.isdigit, line)) > 0.4 * len(line.replace(" ", "")),
        lambda line: line.lstrip().startswith(("-", "*")),
        lambda line: len(line) < _HEADING and bool(_NUMBERED.match(line)),
        lambda line: len(line) < _HEADING and line.isupper(),
    )
    return [sum(kind(line) for line in lines) / count for kind in kinds]
