"""Lets probes look at an answer, one after the other, while they can change what is decided of it.

Decides what a probe may spend: never the money and the time that would keep a tier from being tried
after it. A probe that fails leaves its signal out; nothing that a probe does fails a request.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from traceback import format_tb

from policies.arms import is_arm
from policies.base import State, Try, Verdict
from policies.probes.base import Probe
from policies.probes.economy import Economy, Outlook
from policies.signals.base import Answer, was_validated
from policies.uncalibrated import MARK
from policies.worth_running import worth_running
from router.attempt import Assessment, Attempt
from router.budget import Budget
from router.plan import Rung
from router.probe_run import ProbeRun, Purse

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scene:
    """An answer, and what may be asked about it.

    ``attempt`` gave it and is the last of ``state.answered``. ``rungs`` by name may be asked.
    ``keep_usd_micros`` and ``keep_s`` must be left for what comes after. ``decide`` is pure.
    """

    attempt: Attempt
    answer: Answer
    rungs: Mapping[str, Rung]
    budget: Budget
    keep_usd_micros: int
    keep_s: float
    state: State
    decide: Callable[[State], Verdict]

    def verdict_at(self, confidence: float) -> Verdict:
        """What would be decided if this were the confidence in the answer."""
        *others, last = self.state.answered
        return self.decide(replace(self.state, answered=(*others, replace(last, confidence=confidence))))

    def cost_of(self, verdict: Verdict) -> float:
        """What a verdict is predicted to cost, in millionths of a US dollar."""
        if not isinstance(verdict, Try):
            return 0.0
        return next(c.cost_usd_micros for c in self.state.candidates if c.tier == verdict.tier)


class Prober:
    """Runs ``probes`` as ``economy`` chooses among them."""

    def __init__(self, probes: Sequence[Probe], economy: Economy, clock: Callable[[], float]) -> None:
        self._probes = {probe.name: probe for probe in probes}
        self._economy = economy
        self._clock = clock

    async def look(self, scene: Scene) -> None:
        """Add to the attempt's assessment what probes find, and their accounts to its probes.

        Returns at once where the answer's worth is settled, or came about by a vote. Cancellation
        stops all calls; what they cost until then is charged.
        """
        attempt = scene.attempt
        if _is_settled(scene.answer, attempt.assessment) or is_arm(attempt.tier.name):
            return
        outlook = _outlook(attempt)
        left = {} if self._is_idle(scene, outlook) else dict(self._probes)
        while left:
            runs = {name: run for name, probe in left.items() if (run := self._prepared(probe, scene))}
            offers = [run.offer() for run in runs.values()]
            name = self._economy.next(outlook, offers, scene.verdict_at, scene.cost_of)
            if name is None:
                return
            probe = left.pop(name)
            measured = await self._measured(probe, runs[name], scene)
            if measured:
                outlook = _with(outlook, probe, measured)
                attempt.assessment = self._assessed(attempt.assessment, outlook)

    def _is_idle(self, scene: Scene, outlook: Outlook) -> bool:
        """Whether no confidence at all would change the decision, so that nothing need be prepared."""
        if any(probe.options.run == "always" for probe in self._probes.values()):
            return False
        verdicts = map(scene.verdict_at, (0.0, outlook.confidence, 1.0))
        return not worth_running(verdicts, 0.0, scene.cost_of)

    def _prepared(self, probe: Probe, scene: Scene) -> ProbeRun | None:
        """Make ready to ask; None where nobody can be asked, or time or money does not allow it."""
        try:
            rung = scene.rungs.get(probe.asks(scene.attempt.tier.name) or "")
            if rung is None or (probe.needs_logprobs and not rung.tier.backend.capabilities.logprobs):
                return None
            return ProbeRun.within(probe, rung, scene.answer, scene.attempt, _purse(rung, scene), self._clock)
        except Exception as error:  # noqa: BLE001  a probe with a bug must not fail the request
            _log(probe, error)
            return None

    async def _measured(self, probe: Probe, run: ProbeRun, scene: Scene) -> Mapping[str, float]:
        try:
            replies = await run.ask()
            measured = _sound(probe, probe.measure(scene.answer, replies))
            run.has_measured = bool(measured)
        except Exception as error:  # noqa: BLE001  the same
            _log(probe, error)
            return {}
        finally:
            report = run.report()
            scene.attempt.probes.append(report)
            scene.budget.charge(scene.attempt.number, scene.attempt.cost_usd_micros)
        return measured

    def _assessed(self, assessment: Assessment, outlook: Outlook) -> Assessment:
        signals = {**assessment.signals, **outlook.measures}
        if self._economy.is_stand_in(outlook):
            signals[MARK] = 1.0
        refined = self._economy.refined(outlook)
        confidence = assessment.confidence if refined is None else refined
        return replace(assessment, signals=signals, confidence=confidence)


def _sound(probe: Probe, measured: Mapping[str, float]) -> Mapping[str, float]:
    """What the probe declares that it measures, as far as it is a number."""
    return {n: value for n, value in measured.items() if n in probe.measures and math.isfinite(value)}


def _is_settled(answer: Answer, assessment: Assessment) -> bool:
    """Whether no opinion counts any more: it was refuted, or has a form that nobody could check."""
    is_unchecked = answer.prompt.response_format is not None and not was_validated(assessment.signals)
    return assessment.failed_validation or is_unchecked


def _outlook(attempt: Attempt) -> Outlook:
    confidence = attempt.assessment.confidence
    prior = attempt.rung.estimate.quality if confidence is None else confidence
    return Outlook(attempt.tier.name, prior, {})


def _with(outlook: Outlook, probe: Probe, measured: Mapping[str, float]) -> Outlook:
    opinion = measured.get(probe.opinion)
    return replace(
        outlook,
        measures={**outlook.measures, **measured},
        ran=(*outlook.ran, probe.name),
        opinions=outlook.opinions if opinion is None else {**outlook.opinions, probe.name: opinion},
    )


def _purse(rung: Rung, scene: Scene) -> Purse:
    left = scene.budget.money_left_usd_micros()
    return Purse(
        money_usd_micros=None if left is None else left - scene.keep_usd_micros,
        timeout_s=scene.budget.attempt_timeout_s(
            rung.tier.limits.timeout_s, keep_back_s=scene.keep_s, has_fallback=True
        ),
        is_hurried=scene.budget.time_left_s() is not None,
    )


def _log(probe: Probe, error: Exception) -> None:
    """Say where it broke, and nothing of what it was about."""
    trace = "".join(format_tb(error.__traceback__))
    _LOG.error("probe %s broke: an unforeseen %s at\n%s", probe.name, type(error).__name__, trace)
