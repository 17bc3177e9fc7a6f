"""What a policy is shown of answers: how far each says what the ones before it said."""

from __future__ import annotations

from policies.base import State, Verdict
from policies.threshold import Threshold, ThresholdOptions
from tests.router.conftest import SURE, UNSURE, House, ask, echo_tier


class Watched(Threshold):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__(ThresholdOptions(min_confidence=0.5))
        self.states: list[State] = []

    def decide(self, state: State) -> Verdict:
        """Note the state and decide as ever."""
        self.states.append(state)
        return super().decide(state)


async def test_a_policy_is_shown_which_answers_agree() -> None:
    """By tier that answered before; the first answer has none to agree with."""
    policy = Watched()
    house = House(
        [
            echo_tier("edge", price=1, reply="The answer is 12.", logprob=UNSURE),
            echo_tier("local", price=2, reply="Answer: 13", logprob=UNSURE),
            echo_tier("frontier", price=3, reply="3 * 4 = 12, so the answer is 12", logprob=SURE),
        ],
        policy,
    )
    await house.result(ask())
    shown = [dict(answer.agreements) for answer in policy.states[-1].answered]
    assert shown == [{}, {"edge": 0.0}, {"edge": 1.0, "local": 0.0}]
