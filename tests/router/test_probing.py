"""Probes in the loop: what they change, and that they harm no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from backends.types import JsonSchemaFormat, Prompt
from policies.base import State, Verdict
from policies.fixed import Fixed, FixedOptions
from policies.probes.economy import Economy
from policies.probes.judge import Judge, JudgeOptions
from policies.probes.p_true import PTrue, PTrueOptions
from policies.probes.refinement import Refinements
from policies.probes.samples import Samples, SamplesOptions
from policies.signals.base import Answer
from policies.threshold import Threshold, ThresholdOptions
from router.events import AttemptRejected, AttemptStarted
from router.probing import Prober
from router.request import Constraints
from tests.router.conftest import House, ask, echo_tier
from tests.router.probed import JUDGE, P_TRUE, SAMPLES, SEVEN, TOP, house, prober
from tests.router.scripted_model import PRICE, scripted


async def test_samples_that_agree_keep_a_request_from_shifting_up() -> None:
    """Doubt is lifted by two samples that say the same; they are drawn at once, each with its seed."""
    edge, model = scripted("edge", SEVEN)
    result = await house((edge, model), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,)).result(ask())
    assert result.tier == "edge"
    assert result.attempts[0].signals["sample_agreement_share"] == 1.0
    assert len({prompt.sampling.seed for prompt in model.asked}) == 3
    assert model.most_running == 2


async def test_samples_that_differ_shift_it_up() -> None:
    """An answer that would have been accepted is doubted once its samples say otherwise."""
    edge = scripted("edge", SEVEN, "The answer is 8", "The answer is 9")
    asked = house(edge, scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,), threshold=0.4)
    assert (await asked.result(ask())).tier == "frontier"


async def test_p_true_asks_the_tier_itself_and_the_judge_another() -> None:
    """One token of each; what they cost stands beside the answer that it was for."""
    edge, local = scripted("edge", SEVEN, yes=0.9), scripted("local", SEVEN, price=2 * PRICE, yes=0.95)
    probes = PTrue(PTrueOptions(run="always")), Judge(JudgeOptions(tier="local", run="always"))
    report = (await house(edge, local, probes=probes).result(ask())).attempts[0]
    assert [(probe.name, probe.tier, probe.outcome) for probe in report.probes] == [
        ("p_true", "edge", "measured"),
        ("judge", "local", "measured"),
    ]
    assert report.signals["p_true"] == pytest.approx(0.9)
    assert report.signals["judge"] == pytest.approx(0.95)


async def test_a_probe_that_cannot_change_the_verdict_is_not_asked() -> None:
    """A policy that takes the answer anyway, or a threshold out of reach, costs no call."""
    fixed, reach = scripted("edge", SEVEN), scripted("edge", SEVEN)
    top = scripted(*TOP, price=50 * PRICE)
    certain = House([fixed[0], top[0]], policy=Fixed(FixedOptions(tier="edge")), prober=prober(SAMPLES))
    await certain.result(ask())
    await house(reach, top, probes=(SAMPLES,), threshold=0.999).result(ask())
    assert (len(fixed[1].asked), len(reach[1].asked)) == (1, 1)


async def test_a_forced_probe_is_asked_all_the_same() -> None:
    """With `run: always` the measure is there to be learnt from, though nothing depends on it."""
    edge, model = scripted("edge", SEVEN)
    always = Samples(SamplesOptions(count=1, run="always"))
    await House([edge], policy=Fixed(FixedOptions(tier="edge")), prober=prober(always)).result(ask())
    assert len(model.asked) == 2


@pytest.mark.parametrize("trouble", ["fail", "bug"])
async def test_a_failing_probe_is_an_absent_signal(trouble: str) -> None:
    """Calls that fail, or break, leave the confidence as it was and the request unharmed."""
    asked = house(scripted("edge", SEVEN, trouble), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    result = await asked.result(ask())
    assert result.attempts[0].confidence == pytest.approx(0.4966, abs=1e-3)
    assert "sample_agreement_share" not in result.attempts[0].signals
    assert result.attempts[0].probes[0].outcome == "silent"


async def test_one_sample_of_two_still_counts() -> None:
    """What came is read, though a sample failed."""
    asked = house(scripted("edge", SEVEN, "fail", SEVEN), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    assert (await asked.result(ask())).attempts[0].signals["sample_agreement_share"] == 1.0


async def test_what_nobody_can_read_is_only_recorded() -> None:
    """A forced probe of which nothing was learnt leaves the confidence alone, also where there is none."""
    always = Samples(SamplesOptions(run="always"))
    tier, model = scripted("edge", SEVEN)
    model.logprob = None
    unread = Prober([always], Economy(Refinements()), lambda: 0.0)
    report = (await House([tier], prober=unread).result(ask())).attempts[0]
    assert report.confidence is None
    assert report.signals["sample_agreement_share"] == 1.0


class Broken(Samples):
    """A probe with a bug."""

    def __init__(self, *, in_prompts: bool) -> None:
        super().__init__(SamplesOptions())
        self.in_prompts = in_prompts

    def prompts(self, answer: Answer) -> tuple[Prompt, ...]:
        """Break, or ask as it should."""
        if self.in_prompts:
            raise ZeroDivisionError
        return super().prompts(answer)

    def measure(self, answer: Answer, replies: Sequence[Answer]) -> Mapping[str, float]:
        """Break."""
        raise ZeroDivisionError


@pytest.mark.parametrize("in_prompts", [True, False])
async def test_a_probe_with_a_bug_fails_no_request(in_prompts: bool) -> None:
    """Plug-ins come from anywhere; what they raise is logged, without the text that they saw."""
    broken = Broken(in_prompts=in_prompts)
    asked = house(scripted("edge", SEVEN), scripted(*TOP, price=50 * PRICE), probes=(broken,))
    assert (await asked.result(ask())).tier == "frontier"


async def test_a_judge_sees_only_what_its_tier_may() -> None:
    """A tier that the request may not use, or that its ladder lacks, is not asked to judge either."""
    local, judge = scripted("local", SEVEN, price=2 * PRICE)
    asked = house(scripted("edge", SEVEN), (local, judge), scripted(*TOP, price=50 * PRICE), probes=(JUDGE,))
    only = Constraints(allowed_tiers=frozenset({"edge", "frontier"}))
    await asked.result(ask(constraints=only))
    elsewhere = house(scripted("edge", SEVEN), scripted(*TOP, price=50 * PRICE), probes=(JUDGE,))
    assert (await elsewhere.result(ask())).attempts[0].probes == ()
    assert judge.asked == []


async def test_a_tier_without_logprobs_is_not_asked_for_a_token() -> None:
    """P(True) reads a probability; where none is given, it is left out."""
    edge, model = scripted("edge", SEVEN)
    model.capabilities = replace(model.capabilities, logprobs=False)
    asked = house((edge, model), scripted(*TOP, price=50 * PRICE), probes=(P_TRUE,))
    assert (await asked.result(ask())).attempts[0].probes == ()


async def test_an_answer_without_a_conclusion_is_not_compared() -> None:
    """Samples of a text that comes down to nothing could only be called dissent; they are not drawn."""
    edge, model = scripted("edge", "Once upon a time there was a river " * 5)
    asked = house((edge, model), scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,))
    await asked.result(ask())
    assert len(model.asked) == 1


class Recorded(Threshold):
    """A threshold that remembers what it was asked."""

    def decide(self, state: State) -> Verdict:
        """Decide as ever."""
        self.states = [*getattr(self, "states", []), state]
        return super().decide(state)


async def test_the_policy_is_asked_about_the_confidence_alone() -> None:
    """What it would do is asked of the very state that it will decide, but for the confidence."""
    policy = Recorded(ThresholdOptions(min_confidence=0.6))
    tiers = [scripted("edge", SEVEN)[0], scripted(*TOP, price=50 * PRICE)[0]]
    await House(tiers, policy=policy, prober=prober(SAMPLES)).result(ask())
    asked = [state for state in policy.states if state.answered]
    assert len({state.answered[0].confidence for state in asked}) > 3
    same = [replace(s, answered=(replace(s.answered[0], confidence=None),)) for s in asked]
    # The first is about the worst answer that a form could be refused for, before the tier ran.
    assert all(state == same[1] for state in same[1:])


async def test_no_opinion_outweighs_a_proof() -> None:
    """An answer that its schema refuses is not asked about."""
    edge, model = scripted("edge", SEVEN)
    asked = ask()
    asked = replace(asked, prompt=replace(asked.prompt, response_format=JsonSchemaFormat({"type": "object"})))
    top = echo_tier("frontier", reply="{}", price=50 * PRICE)
    always = Samples(SamplesOptions(run="always"))
    result = await House([edge, top], prober=prober(always)).result(asked)
    assert (result.tier, len(model.asked)) == ("frontier", 1)


async def test_the_stream_tells_the_same_story() -> None:
    """Probes add no event: the attempt starts, is rejected after them, and the next one starts."""
    edge = scripted("edge", SEVEN, "The answer is 8")
    asked = house(edge, scripted(*TOP, price=50 * PRICE), probes=(SAMPLES,), threshold=0.4)
    events = await asked.events(ask())
    started = [event.tier for event in events if isinstance(event, AttemptStarted)]
    rejected = [event.reason for event in events if isinstance(event, AttemptRejected)]
    assert (started, rejected) == (["edge", "frontier"], ["low_confidence"])
