"""How further answers are asked for, and how answers vote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Prompt, Role, Sampling
from policies.samples import elected, further_prompts


def prompt(**sampling: float) -> Prompt:
    """A question, drawn as ``sampling`` says."""
    return Prompt((Message(Role.USER, "go"),), Sampling(**sampling))  # type: ignore[arg-type]


def test_each_sample_has_its_own_seed_and_some_heat() -> None:
    """Greedy requests are drawn by chance, each one otherwise; equal requests draw alike."""
    drawn = further_prompts(prompt(), 3, 0.7)
    assert len({one.sampling.seed for one in drawn}) == 3
    assert {one.sampling.temperature for one in drawn} == {0.7}
    assert drawn == further_prompts(prompt(), 3, 0.7)


def test_a_request_hotter_than_the_samples_stays_hot() -> None:
    """The temperature is at least the caller's, and its seed is not drawn twice."""
    drawn = further_prompts(prompt(temperature=1.2, seed=5), 2, 0.7)
    assert [one.sampling.seed for one in drawn] == [6, 7]
    assert drawn[0].sampling.temperature == 1.2


def test_the_largest_group_is_elected() -> None:
    """Two that come down to the same outvote one, and the first of them speaks for both."""
    assert elected(["The answer is 5.", "6", "It is 6: the answer is 6"]) == 1


def test_a_tie_goes_to_the_earlier() -> None:
    """The answer that was asked for first stands where nothing outvotes it."""
    assert elected(["5", "6"]) == 0
    assert elected(["", "6"]) == 0


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_somebody_is_always_elected(texts: list[str]) -> None:
    """Whatever was written, one of the answers is chosen."""
    assert 0 <= elected(texts) < len(texts)
