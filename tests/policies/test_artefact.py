"""The artefact: read whole and unchanged, or refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies import artefact
from policies.artefact import ArtefactError, load, save
from policies.features import features_of
from policies.learnt import Learnt
from policies.training import OutcomeRecord
from tests.policies.ladder import TIERS


@pytest.fixture
def saved(learnt: Learnt, tmp_path: Path) -> Path:
    """A file with what was learnt."""
    path = tmp_path / "learnt.json"
    save(learnt, path)
    return path


def test_what_is_read_predicts_what_was_written(
    saved: Path, learnt: Learnt, graded: list[OutcomeRecord]
) -> None:
    """Difficulty, confidence and joint parameters agree to 1e-9; reports are kept."""
    again = load(saved)
    for record in graded[:20]:
        features = features_of(record.prompt)
        ours, theirs = (x.difficulty.predict(record.prompt, features) for x in (learnt, again))
        for tier in TIERS:
            assert theirs[tier].quality == pytest.approx(ours[tier].quality, abs=1e-9)
            signals = record.outcomes[tier].signals
            sure = [x.confidence.predict(tier, ours[tier].quality, signals) for x in (learnt, again)]
            assert sure[1] == pytest.approx(sure[0], abs=1e-9)
    assert again.joint.to_json() == learnt.joint.to_json()
    assert again.reports == learnt.reports


def test_saving_replaces_the_old_file_whole(saved: Path, learnt: Learnt) -> None:
    """No other file is left behind."""
    save(learnt, saved)
    assert [path.name for path in saved.parent.iterdir()] == ["learnt.json"]
    assert load(saved).prompt_count == 700


def test_no_prompt_is_kept(saved: Path, graded: list[OutcomeRecord]) -> None:
    """Terms are learnt, texts are not stored."""
    text = saved.read_text(encoding="utf-8")
    assert not any(record.prompt.text in text for record in graded)


def _sealed(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Change the content and put the right hash on it, as a different program would."""

    def apply(document: dict[str, Any]) -> None:
        change(document["content"])
        document["sha256"] = artefact._digest(document["content"])

    return apply


def _double_weights(content: dict[str, Any]) -> None:
    content["difficulty"]["intercepts"][0] += 0.001


def _other_calibrator(content: dict[str, Any]) -> None:
    content["confidence"]["tiers"]["edge"]["logistic"]["intercept"] += 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.update(kind="other"), "not an artefact"),
        (lambda document: document.update(format_version=99), "format_version is 99"),
        (lambda document: document.update(features_version=99), "features_version is 99"),
        (lambda document: document["content"].update(prompt_count=1), "SHA-256"),
        (lambda document: document.pop("content"), "SHA-256"),
        (_sealed(_double_weights), "difficulty probe 0"),
        (_sealed(_other_calibrator), "confidence probe"),
        (_sealed(lambda content: content.pop("joint")), "cannot be served"),
        (_sealed(lambda content: content["difficulty"]["idf"].pop()), "cannot be served"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(
    saved: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    """Each kind of damage has its own message."""
    document = json.loads(saved.read_text(encoding="utf-8"))
    change(document)
    saved.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ArtefactError, match=message):
        load(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "\x00"])
def test_what_is_no_artefact_at_all_is_refused(tmp_path: Path, text: str) -> None:
    """Broken JSON and other JSON alike."""
    path = tmp_path / "learnt.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ArtefactError, match=str(path)):
        load(path)
