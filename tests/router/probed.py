"""A cascade over scripted models with probes, for tests of the loop."""

from __future__ import annotations

from policies.probes.base import Probe
from policies.probes.economy import Economy
from policies.probes.judge import Judge, JudgeOptions
from policies.probes.p_true import PTrue, PTrueOptions
from policies.probes.refinement import Refinements
from policies.probes.samples import Samples, SamplesOptions
from policies.threshold import Threshold, ThresholdOptions
from router.probing import Prober
from router.tiers import Tier
from tests.router.conftest import House
from tests.router.scripted_model import ScriptedModel

SAMPLES = Samples(SamplesOptions(count=2))
P_TRUE = PTrue(PTrueOptions())
JUDGE = Judge(JudgeOptions(tier="local"))
SEVEN = "The answer is 7"
TOP = ("frontier", SEVEN)


def prober(*probes: Probe) -> Prober:
    """Probes whose opinions count though nothing was learnt."""
    return Prober(probes, Economy(Refinements(), allow_uncalibrated=True), lambda: 0.0)


def house(*models: tuple[Tier, ScriptedModel], probes: tuple[Probe, ...], threshold: float = 0.6) -> House:
    """A cascade over scripted models; an answer's own confidence is 0.5."""
    tiers = [tier for tier, _ in models]
    policy = Threshold(ThresholdOptions(min_confidence=threshold))
    return House(tiers, policy=policy, prober=prober(*probes))
