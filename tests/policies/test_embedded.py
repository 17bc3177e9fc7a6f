"""What embeddings add to the words of a prompt: kept where they tell more, dropped where they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.artefact import load, save
from policies.certifying import label
from policies.difficulty.embedded import Embedded, EncoderIdentity
from policies.difficulty.fit_embedded import Told, fit_embedded
from policies.difficulty.linear import ParityError
from policies.folds import assign_folds
from policies.learnt import Learnt
from policies.odds import Floats, sigmoids
from policies.outcomes import OutcomeRecord
from policies.replay import view_of
from tests.policies.ladder import TIERS, ladder_heads

ENCODER = EncoderIdentity("made-up", "00", 64)
WIDTH = 12
CHANCES = st.floats(0.0, 1.0)


def world(count: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Embeddings, what words predict, and grades; the weak tier's hang on the first number alone."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(count, WIDTH))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    chances = np.column_stack([sigmoids(6.0 * embeddings[:, 0]), np.full(count, 0.9)])
    grades = (rng.random((count, 2)) < chances).astype(np.float64)
    return embeddings, np.tile([0.5, 0.9], (count, 1)), grades


def fitted(embeddings: Floats, predicted: Floats, grades: Floats) -> Embedded | None:
    """Fit to a ladder of two tiers."""
    folds = assign_folds([str(row) for row in range(len(grades))], count=5, seed=0)
    return fit_embedded(ENCODER, ("weak", "top"), embeddings, Told(predicted, grades, folds))


@pytest.fixture(scope="module")
def embedded() -> Embedded:
    """Heads of a world in which the embedding tells what words do not."""
    found = fitted(*world(800, seed=1))
    assert found is not None
    return found


def squared_errors(embedded: Embedded, seed: int) -> tuple[float, float]:
    """Of the predicted gain, by words alone and by both, on records of another draw."""
    embeddings, predicted, grades = world(600, seed)
    words = dict(zip(embedded.tiers, predicted[0].tolist(), strict=True))
    both = [embedded.qualities(words, row) for row in embeddings]
    gains = np.array([found["top"] - found["weak"] for found in both])
    truth = grades[:, 1] - grades[:, 0]
    return float(np.mean((0.4 - truth) ** 2)), float(np.mean((gains - truth) ** 2))


def test_what_words_do_not_tell_is_learnt(embedded: Embedded) -> None:
    """On records that were not seen, too."""
    by_words, by_both = squared_errors(embedded, seed=2)
    assert by_both < 0.9 * by_words


def test_noise_is_not_kept() -> None:
    """An embedding that has nothing to do with the grades has no say."""
    _, predicted, grades = world(800, seed=1)
    embeddings, _, _ = world(800, seed=3)
    assert fitted(embeddings, predicted, grades) is None


def test_too_few_prompts_teach_nothing() -> None:
    """Hundreds of numbers fit any handful of grades."""
    assert fitted(*world(150, seed=1)) is None


def test_what_is_certain_is_not_read(embedded: Embedded) -> None:
    """Only a gain within the band is; a ladder that lacks a tier is not judged."""
    assert embedded.is_uncertain({"weak": 0.5, "top": 0.9})
    narrow = replace(embedded, band=(0.1, 0.2))
    assert not narrow.is_uncertain({"weak": 0.5, "top": 0.9})
    assert not narrow.is_uncertain({"weak": 0.9, "top": 0.9})
    assert not embedded.is_uncertain({"weak": 0.5})


def test_reading_back_changes_nothing(embedded: Embedded) -> None:
    """All of it, to the last bit."""
    again = Embedded.from_json(json.loads(json.dumps(embedded.to_json())))
    assert again.to_json() == embedded.to_json()


def test_other_scores_than_were_fitted_are_refused(embedded: Embedded) -> None:
    """A weight that was changed shows in the probe."""
    changed = embedded.to_json()
    changed["weights"][3][0] += 0.001
    with pytest.raises(ParityError, match="fit the artefact again"):
        Embedded.from_json(changed)


def test_heads_of_another_ladder_are_refused(embedded: Embedded) -> None:
    """When they are read, and not by the first request."""
    changed = embedded.to_json()
    changed["shares"] = changed["shares"][1:]
    with pytest.raises(ValueError, match="shapes"):
        Embedded.from_json(changed)


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=WIDTH, max_size=WIDTH), st.floats(0.0, 1.0), st.floats(0.0, 1.0)
)
def test_any_embedding_gives_probabilities(
    embedded: Embedded, numbers: list[float], weak: float, top: float
) -> None:
    """Whatever words and embedding say."""
    found = embedded.qualities({"weak": weak, "top": top}, np.array(numbers))
    assert all(0.0 < quality < 1.0 for quality in found.values())


def read(record: OutcomeRecord) -> OutcomeRecord:
    """The record with an embedding."""
    return replace(record, embedding=np.eye(WIDTH)[0])


def test_a_record_that_was_read_is_seen_otherwise(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """In replays, as while serving; one that was not is predicted by its words."""
    both = ladder_heads(learnt, width=WIDTH)
    words = view_of(learnt, graded[0], TIERS).qualities
    assert view_of(both, graded[0], TIERS).qualities == words
    assert view_of(both, read(graded[0]), TIERS).qualities != words


def test_what_is_certified_is_not_read(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """Whether a prompt is read in time depends on the load, which no test knows."""
    labelled = label(ladder_heads(learnt, width=WIDTH), [read(graded[0])], TIERS)
    assert labelled.views[0].qualities == view_of(learnt, graded[0], TIERS).qualities


def test_an_artefact_keeps_them(learnt: Learnt, tmp_path: Path) -> None:
    """With the encoder's hash; one from before there were any has none."""
    save(ladder_heads(learnt, width=WIDTH), tmp_path / "both.json")
    again = load(tmp_path / "both.json").embedded
    assert again is not None
    assert (again.encoder.sha256, again.tiers) == ("00", TIERS)
    save(learnt, tmp_path / "words.json")
    assert load(tmp_path / "words.json").embedded is None
