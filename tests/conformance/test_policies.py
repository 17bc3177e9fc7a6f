"""Every registered policy, estimator and signal keeps the contract of its seam."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backends.tools import Tool, Toolbox, ToolCall, ToolChoice, ToolMode
from backends.types import FinishReason, JsonSchemaFormat, Message, Prompt, RegexFormat, Role, TokenLogprob
from policies.base import Accept, Answered, Candidate, Policy, State, Stop, Try
from policies.difficulty.base import DifficultyEstimator, Estimate
from policies.features import features_of
from policies.probes.base import Probe
from policies.reasons import Reason
from policies.registry import DIFFICULTY, POLICIES, PROBES, SIGNALS, Registry, UnknownName
from policies.signals.base import Answer, Signal
from policies.training import Outcome, OutcomeRecord, fit_learnt

TIERS = ("a", "b", "c", "d")
POLICY_OPTIONS: dict[str, dict[str, Any]] = {
    "fixed": {"tier": "b", "fall_back": True},
    "mix": {"weights": {"a": 1.0, "c": 2.0}},
    "threshold": {"min_confidence": 0.7, "min_predicted_quality": 0.3},
    "cascade_routing": {"value_of_correct_usd": 0.01},
    "certified": {"max_loss": 0.02},
}
DIFFICULTY_OPTIONS: dict[str, dict[str, Any]] = {
    "heuristic": {"strengths": {"a": 0.5, "b": 0.9}},
    "linear": {},
}
PROBE_OPTIONS: dict[str, dict[str, Any]] = {"samples": {"count": 3}, "p_true": {}, "judge": {"tier": "b"}}
PROBABILITY = st.floats(0.0, 1.0)
TOOLBOXES = st.builds(
    Toolbox,
    st.just((Tool("f", parameters={"type": "object", "required": ["x"]}), Tool("g"))),
    st.sampled_from([ToolChoice(mode) for mode in ToolMode] + [ToolChoice(ToolMode.REQUIRED, "g")]),
    st.none() | st.booleans(),
)
PROMPTS = st.builds(
    lambda turns, wanted, tools: Prompt(
        tuple(Message(role, text) for role, text in turns), response_format=wanted, tools=tools
    ),
    st.lists(st.tuples(st.sampled_from(Role), st.text()), max_size=3),
    st.sampled_from([None, JsonSchemaFormat({"type": "object"}), RegexFormat("[ab]+")]),
    st.none() | TOOLBOXES,
)
CALLS = st.builds(
    ToolCall,
    st.just("c1"),
    st.sampled_from(["f", "g", "h"]),
    st.sampled_from(["{}", '{"x": 1}', "[", "NaN"]) | st.text(),
)
TOKENS = st.builds(TokenLogprob, st.text(), st.floats(), st.none() | st.floats(), st.none() | st.floats())
ANSWERS = st.builds(
    Answer,
    PROMPTS,
    st.text(),
    st.text(),
    st.lists(TOKENS, max_size=9).map(tuple),
    st.sampled_from(FinishReason),
    tool_calls=st.lists(CALLS, max_size=3).map(tuple),
)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Candidate, ...]:
    """Some of the tiers, cheapest first, with any predictions."""
    tiers = draw(st.lists(st.sampled_from(TIERS), unique=True).map(sorted))
    costs = sorted(draw(st.lists(st.floats(0.0, 1e6), min_size=len(tiers), max_size=len(tiers))))
    return tuple(Candidate(tier, draw(PROBABILITY), cost) for tier, cost in zip(tiers, costs, strict=True))


def make_policy(name: str) -> Policy:
    loaded: Any = POLICIES.load(name)
    policy: Policy = loaded(loaded.Options(**POLICY_OPTIONS[name]), None)
    return policy


@pytest.fixture(scope="module")
def estimators() -> dict[str, DifficultyEstimator]:
    """One of each registered kind."""
    records = [
        OutcomeRecord(
            Prompt((Message(Role.USER, f"Add {n} and {n * n} in line {n % 7}."),)),
            {tier: Outcome(float(n % place == 0), {}, n + 1) for place, tier in enumerate("ab", start=2)},
        )
        for n in range(40)
    ]
    learnt = fit_learnt(records).difficulty
    classes: dict[str, Any] = {name: DIFFICULTY.load(name) for name in DIFFICULTY.names()}
    return {
        name: loaded.build(loaded.Options(**DIFFICULTY_OPTIONS[name]), learnt)
        for name, loaded in classes.items()
    }


@pytest.mark.parametrize(
    "registry", [POLICIES, DIFFICULTY, SIGNALS, PROBES], ids=lambda registry: registry.kind
)
def test_every_name_loads_and_others_are_refused(registry: Registry) -> None:
    """An unknown name is answered with the known ones."""
    assert all(isinstance(registry.load(name), type) for name in registry.names())
    with pytest.raises(UnknownName, match=registry.names()[0]):
        registry.load("nonsense")


@pytest.mark.parametrize(
    "loaded",
    [registry.load(name) for registry in (POLICIES, DIFFICULTY, PROBES) for name in registry.names()],
)
def test_options_are_strict_and_described(loaded: Any) -> None:
    """Unknown keys are refused, and every field says what it means."""
    assert issubclass(loaded.Options, BaseModel)
    assert loaded.Options.model_config["extra"] == "forbid"
    assert all(field.description for field in loaded.Options.model_fields.values())


@pytest.mark.parametrize("name", POLICIES.names())
@settings(max_examples=40, deadline=None)
@given(
    ladder=ladders(),
    asked=st.none() | PROBABILITY,
    draw=st.floats(0.0, 1.0, exclude_max=True),
    own=st.sampled_from([None, *TIERS]),
    data=st.data(),
)
def test_a_policy_always_ends(
    name: str,
    ladder: tuple[Candidate, ...],
    asked: float | None,
    draw: float,
    own: str | None,
    data: st.DataObject,
) -> None:
    """It names candidates only, tries none twice, and accepts an answer whenever it has one."""
    policy, left = make_policy(name), list(ladder)
    answered: list[Answered] = []
    for _ in range(len(ladder) + 1):
        state = State(tuple(left), tuple(answered), asked, draw, ladder=TIERS, conversation_tier=own)
        verdict = policy.decide(state)
        assert verdict == policy.decide(state) == make_policy(name).decide(state)
        assert verdict.reason in set(Reason)
        if not isinstance(verdict, Try):
            break
        tried = next(candidate for candidate in left if candidate.tier == verdict.tier)
        left.remove(tried)
        if data.draw(st.booleans()):
            confidence, failed = data.draw(st.none() | PROBABILITY), data.draw(st.booleans())
            answered.append(Answered(tried.tier, tried.quality, confidence, failed))
    if answered:
        assert isinstance(verdict, Accept)
        assert 0 <= verdict.index < len(answered)
    else:
        assert isinstance(verdict, Stop)


@pytest.mark.parametrize("name", SIGNALS.names())
@settings(max_examples=40, deadline=None)
@given(answer=ANSWERS)
def test_a_signal_never_raises_and_gives_finite_values(name: str, answer: Answer) -> None:
    """Whatever the answer: empty, cut, with NaN for a log-probability."""
    signal = SIGNALS.load(name)()
    assert isinstance(signal, Signal)
    assert signal.name == name
    assert all(math.isfinite(value) for value in signal.measure(answer).values())


@pytest.mark.parametrize("name", PROBES.names())
@settings(max_examples=40, deadline=None)
@given(answer=ANSWERS, replies=st.lists(ANSWERS, max_size=3))
def test_a_probe_never_raises_and_keeps_to_its_measures(
    name: str, answer: Answer, replies: list[Answer]
) -> None:
    """Whatever comes back: its names are those it declares, values are finite, the opinion a probability."""
    loaded: Any = PROBES.load(name)
    probe = loaded(loaded.Options(**PROBE_OPTIONS[name]))
    assert isinstance(probe, Probe)
    assert probe.name == name
    measured = probe.measure(answer, replies)
    assert set(measured) <= set(probe.measures)
    assert all(map(math.isfinite, measured.values()))
    assert 0.0 <= measured.get(probe.opinion, 0.0) <= 1.0


@pytest.mark.parametrize("name", PROBES.names())
@settings(max_examples=40, deadline=None)
@given(answer=ANSWERS)
def test_a_probe_bounds_what_it_asks(name: str, answer: Answer) -> None:
    """Every call has a limit of its own and is asked for the same caller; equal answers ask the same."""
    loaded: Any = PROBES.load(name)
    probe = loaded(loaded.Options(**PROBE_OPTIONS[name]))
    prompts = probe.prompts(answer)
    assert prompts == probe.prompts(answer)
    assert all(prompt.sampling.max_output_token_count >= 1 for prompt in prompts)
    assert all(prompt.caller == answer.prompt.caller for prompt in prompts)
    assert probe.usage(10, 5.0).output_token_count >= 1


@settings(max_examples=40, deadline=None)
@given(prompt=PROMPTS)
def test_estimates_are_probabilities_and_lengths(
    estimators: dict[str, DifficultyEstimator], prompt: Prompt
) -> None:
    """For the tiers that an estimator knows, and no other; equal prompts have equal estimates."""
    assert set(estimators) == set(DIFFICULTY.names())
    for estimator in estimators.values():
        estimates = estimator.predict(prompt, features_of(prompt))
        assert estimates == estimator.predict(prompt, features_of(prompt))
        assert set(estimates) == {"a", "b"}
        assert all(_is_sound(estimate) for estimate in estimates.values())


def _is_sound(estimate: Estimate) -> bool:
    return 0.0 <= estimate.quality <= 1.0 and 0.0 < estimate.output_token_count < math.inf
