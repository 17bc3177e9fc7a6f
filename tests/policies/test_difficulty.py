"""The guess that needs no learning."""

from __future__ import annotations

from backends.types import Message, Prompt, Role
from policies.difficulty.heuristic import HeuristicDifficulty, difficulty_score
from policies.features import features_of

EASY = Prompt((Message(Role.USER, "Say hello."),))
HARD = Prompt(
    (Message(Role.USER, "Explain step by step why 123456 * 98765 - 4321 is not 77 if A's sum | B"),)
)


def test_harder_looking_prompts_are_predicted_worse_for_every_tier() -> None:
    """The score saturates below 1."""
    estimator = HeuristicDifficulty.for_ladder(["edge", "local", "top"])
    easy, hard = (estimator.predict(p, features_of(p)) for p in (EASY, HARD))
    assert all(hard[tier].quality < easy[tier].quality for tier in easy)
    assert difficulty_score(features_of(EASY)) < difficulty_score(features_of(HARD)) < 1.0


def test_the_ladder_rises() -> None:
    """A dearer tier is believed to be stronger."""
    estimates = HeuristicDifficulty.for_ladder(["edge", "local", "top"]).predict(HARD, features_of(HARD))
    assert estimates["edge"].quality < estimates["local"].quality < estimates["top"].quality


def test_a_ladder_may_have_one_rung() -> None:
    """It is believed to be the strongest."""
    assert HeuristicDifficulty.for_ladder(["only"]).options.strengths == {"only": 0.95}
