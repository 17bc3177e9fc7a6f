"""Looks at answers: which signals are measured when."""

from __future__ import annotations

from policies.signals.base import Answer
from router.assess import Assessor
from tests.policies.test_checked_signals import asked
from tests.policies.test_worth_running import Costly

ANSWER: Answer = asked("?", "42")


def test_a_costly_look_is_taken_where_it_is_worth_it() -> None:
    """The declared cost is what is asked about."""
    seen: list[float] = []

    def is_worth(cost_us: float) -> bool:
        seen.append(cost_us)
        return False

    assert Assessor([Costly()], None).assess("edge", 0.5, ANSWER, is_worth).signals == {}
    assert seen == [Costly.cost_us]


def test_to_learn_from_it_everything_is_measured() -> None:
    """Whatever it could change; and where nobody says what it could, too."""
    assessor = Assessor([Costly()], None, measures_all=True)
    assert assessor.assess("edge", 0.5, ANSWER, lambda _: False).signals == {"ran": 1.0}
    assert Assessor([Costly()], None).assess("edge", 0.5, ANSWER).signals == {"ran": 1.0}
