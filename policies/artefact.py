"""One JSON file with everything learnt: written whole or not at all, read whole or refused.

No pickle: a file from a stranger can be wrong, but it cannot run. The hash guards against
accidents, not against forgery.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from policies.confidence import Confidence
from policies.difficulty.embedded import Embedded
from policies.difficulty.learnt import LearntDifficulty
from policies.features import FEATURES_VERSION
from policies.joint import Joint
from policies.learnt import Learnt, TierReport
from policies.probes.refinement import Refinements
from policies.shadow_price import ShadowPrice
from policies.stopping import Stopping

KIND = "upshift.learnt"
FORMAT_VERSION = 3
"""Raise when the content changes shape."""
READ_VERSIONS = (1, 2, 3)
"""Files of other versions are refused. Version 2 has no embeddings, version 1 no trees and no agreement."""


# All that numbers and shapes that nobody fitted can raise.
_UNSOUND = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class ArtefactError(Exception):
    """The file is not an artefact that this version can serve; fit it again."""


def save(learnt: Learnt, path: str | os.PathLike[str]) -> str:
    """Write ``learnt`` to ``path`` atomically; returns the SHA-256 of its content in hexadecimal."""
    content = {
        "prompt_count": learnt.prompt_count,
        "reports": {tier: asdict(report) for tier, report in learnt.reports.items()},
        "difficulty": learnt.difficulty.to_json(),
        "confidence": learnt.confidence.to_json(),
        "joint": learnt.joint.to_json(),
        "stopping": learnt.stopping.to_json(),
        "shadow_prices": {policy: price.to_json() for policy, price in learnt.shadow_prices.items()},
        "refinements": learnt.refinements.to_json(),
        "embedded": None if learnt.embedded is None else learnt.embedded.to_json(),
    }
    digest = _digest(content)
    document = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "features_version": FEATURES_VERSION,
        "sha256": digest,
        "content": content,
    }
    _write(Path(path), json.dumps(document, allow_nan=False, separators=(",", ":")))
    return digest


def load(path: str | os.PathLike[str]) -> Learnt:
    """Read what :func:`save` wrote, checked: versions, hash, and parity with scikit-learn.

    Raises ArtefactError that says what is wrong, and OSError where the file cannot be read.
    """
    content = _content(Path(path))
    try:
        return Learnt(
            difficulty=LearntDifficulty.from_json(content["difficulty"]),
            confidence=Confidence.from_json(content["confidence"]),
            joint=Joint.from_json(content["joint"]),
            prompt_count=int(content["prompt_count"]),
            reports={tier: TierReport(**report) for tier, report in content["reports"].items()},
            # Absent in older files:
            stopping=Stopping.from_json(content.get("stopping", {})),
            shadow_prices={
                policy: ShadowPrice(**price) for policy, price in content.get("shadow_prices", {}).items()
            },
            # Files from before there were probes have none.
            refinements=Refinements.from_json(content.get("refinements", {})),
            embedded=None if content.get("embedded") is None else Embedded.from_json(content["embedded"]),
        )
    except _UNSOUND as exc:
        raise ArtefactError(f"{path}: its content cannot be served: {exc}") from exc


def _content(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as exc:
        raise ArtefactError(f"{path}: not JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ArtefactError(f"{path}: not an artefact; its kind must be {KIND!r}")
    for name, read in (("format_version", READ_VERSIONS), ("features_version", (FEATURES_VERSION,))):
        if document.get(name) not in read:
            raise ArtefactError(
                f"{path}: {name} is {document.get(name)!r} and this version reads "
                f"{', '.join(map(str, read))}; fit it again"
            )
    content = document.get("content")
    if not isinstance(content, dict) or not _has_digest(content, document.get("sha256")):
        raise ArtefactError(
            f"{path}: its content does not have the SHA-256 it names; it was damaged or edited"
        )
    return content


def _has_digest(content: Mapping[str, Any], digest: object) -> bool:
    try:
        return _digest(content) == digest
    except ValueError:
        return False  # Python's json reads infinity; nobody wrote it


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    """Write beside ``path`` and rename over it, so that a reader sees the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
