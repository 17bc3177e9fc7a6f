"""One element's way up its ladder: decide, read, verify, decide again.

The same pure policies that route requests decide here; engines are their tiers. What a reading is worth is
what its verification says, seen together with all other readings of the element.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from policies import base as deciding
from router.documents.codec import READING
from router.documents.element import Reading
from router.documents.engines.base import Engine, Subject
from router.documents.errors import EngineFailed
from router.documents.outcome import Outcome, Try, Verdict
from router.documents.parse.assemble import PARSER
from router.documents.purse import Purse
from router.documents.route.group import group_of
from router.documents.route.predict import predicted_quality
from router.documents.route.routes import ElementRoute
from router.documents.steps import StepKey, Steps
from router.documents.verify.base import Claim
from router.documents.verify.confidence import Confidence, is_disproved
from router.documents.verify.registry import Verifiers

WITNESS = "witness"
"""Why a reading was made that was never to stand."""
UNAFFORDABLE = "over_budget"
"""Why an element ended early: money or time would not have paid for the next engine."""


@dataclass(frozen=True, slots=True)
class House:
    """What every element of a document shares."""

    engines: Mapping[str, Engine]
    verifiers: Verifiers
    confidence: Confidence
    steps: Steps
    purse: Purse


class Climb:
    """Made for one element; ``key`` names a stage of it in the journal."""

    def __init__(
        self, house: House, route: ElementRoute, subject: Subject, key: Callable[[str], StepKey]
    ) -> None:
        self._house = house
        self._route = route
        self._subject = subject
        self._key = key
        self._group = group_of(subject.element)
        self._tries: list[Try] = []
        self._bars: dict[str, float] = {}
        self._was_limited = False
        self.first: Outcome | None = None

    async def settle(self) -> Outcome:
        """Climb until the policy is content or nothing is left. ``first`` then holds an early outcome."""
        for witness in self._route.witnesses:
            if self._is_open(witness):
                await self._read(witness, WITNESS)
        verdict = self._decide()
        while isinstance(verdict, deciding.Try):
            await self._read(verdict.tier, verdict.reason)
            verdict = self._decide()
            if self.first is None and isinstance(verdict, deciding.Try) and self._standing():
                self.first = self._outcome(self._best(), "")
        if isinstance(verdict, deciding.Accept):
            chosen = self._standing()[verdict.index]
            return self._outcome(self._kept(chosen), verdict.reason)
        return self._given_up(verdict.reason)

    @property
    def was_limited(self) -> bool:
        """Whether money or time, and not the policy, ended it: with more of them it might end otherwise."""
        return self._was_limited

    def _decide(self) -> deciding.Verdict:
        candidates = self._candidates()
        if not candidates and not self._standing():
            return deciding.Stop("no_engine_left")
        state = deciding.State(
            candidates=candidates,
            answered=tuple(self._answered(turn) for turn in self._standing()),
            min_confidence=None,
            draw=_draw(self._subject.element.id),
            features=self._subject.element.features,
        )
        return self._route.policy.decide(state)

    def _candidates(self) -> tuple[deciding.Candidate, ...]:
        tried = {turn.engine for turn in self._tries if turn.reason != WITNESS}
        if len(tried) >= self._route.max_attempt_count:
            return ()
        left = (name for name in self._route.ladder if name not in tried)
        return tuple(self._candidate(name) for name in left if self._is_open(name))

    def _candidate(self, name: str) -> deciding.Candidate:
        quality = predicted_quality(self._group, name, self._subject.element)
        return deciding.Candidate(name, quality, self._house.engines[name].cost_usd_micros(self._subject))

    def _is_open(self, name: str) -> bool:
        engine = self._house.engines.get(name)
        if engine is None or not engine.reads(self._subject):
            return False
        cost, seconds = engine.cost_usd_micros(self._subject), engine.seconds(self._subject)
        # What the file says costs next to nothing, and an element without it would be lost.
        if name == PARSER or self._house.purse.affords(cost, seconds):
            return True
        self._was_limited = True
        return False

    async def _read(self, name: str, reason: str) -> None:
        """Let an engine read, unless it has done so in an earlier run; then verify all readings anew."""
        try:
            reading = await self._reading(name)
        except EngineFailed as exc:
            self._tries.append(Try(name, reason, failure=str(exc)))
            return
        self._house.purse.book(reading.cost_usd_micros)
        self._bars[name] = max((turn.confidence or 0.0 for turn in self._standing()), default=0.0)
        self._tries.append(Try(name, reason, reading))
        self._verify()

    async def _reading(self, name: str) -> Reading:
        key = self._key(f"read:{name}")
        done = self._house.steps.get(key)
        if done is not None:
            return READING.validate_json(done)
        purse = self._house.purse
        subject = replace(
            self._subject, timeout_s=purse.time_left_s(), max_cost_usd_micros=purse.money_left_usd_micros()
        )
        reading = await self._house.engines[name].read(subject)
        if name != PARSER:  # it costs nothing to ask the file again
            self._house.steps.put(key, READING.dump_json(reading).decode())
        return reading

    def _verify(self) -> None:
        readings = [turn.reading for turn in self._tries if turn.reading is not None]
        native = self._subject.element.native
        if native is not None and all(reading.engine != PARSER for reading in readings):
            readings.append(native)
        self._tries = [self._judged(turn, readings) for turn in self._tries]

    def _judged(self, turn: Try, readings: Sequence[Reading]) -> Try:
        if turn.reading is None:
            return turn
        others = tuple(reading for reading in readings if reading.engine != turn.engine)
        claim = Claim(self._subject.page, self._subject.element, turn.reading, others)
        scores = self._house.verifiers.measure(claim)
        confidence = self._house.confidence.predict(self._group, turn.engine, scores)
        return replace(turn, evidence=scores, confidence=confidence)

    def _standing(self) -> list[Try]:
        """Tries whose reading may be chosen."""
        return [turn for turn in self._tries if turn.reading is not None and turn.reason != WITNESS]

    def _answered(self, turn: Try) -> deciding.Answered:
        quality = predicted_quality(self._group, turn.engine, self._subject.element)
        return deciding.Answered(turn.engine, quality, turn.confidence, is_disproved(turn.evidence))

    def _best(self) -> Try:
        """The best verified try; of equals the earlier."""
        standing = self._standing()
        return max(
            [turn for turn in standing if self._may_replace(turn)] or standing,
            key=lambda turn: turn.confidence or 0.0,
        )

    def _may_replace(self, turn: Try) -> bool:
        """Whether the reading beats what stood before it.

        Calibrated engines are weighed together, each in the light of the other. One of which nothing was
        learnt could talk down whatever it contradicts; it must beat what was sure before it was asked.
        """
        if self._house.confidence.is_calibrated(self._group, turn.engine):
            return True
        bar = self._bars[turn.engine]
        return bar == 0.0 or (turn.confidence or 0.0) > bar

    def _kept(self, chosen: Try) -> Try:
        """What the policy chose, unless verification speaks for another: it replaces only what it beats."""
        best = self._best()
        beats = (best.confidence or 0.0) >= (chosen.confidence or 0.0)
        return best if beats or not self._may_replace(chosen) else chosen

    def _outcome(self, turn: Try, reason: str) -> Outcome:
        confidence = turn.confidence or 0.0
        verdict = Verdict.VERIFIED if confidence >= self._route.min_confidence else Verdict.UNVERIFIED
        standing = self._standing()
        limited = self._was_limited and verdict is Verdict.UNVERIFIED
        return Outcome(
            self._subject.element,
            turn.reading,
            confidence,
            verdict,
            UNAFFORDABLE if limited else str(reason),
            standing.index(turn),
            tuple(self._tries),
        )

    def _given_up(self, reason: str) -> Outcome:
        """Nothing on the ladder gave a reading: a witness's or the file's own word stands, unverified."""
        spare = next((turn for turn in self._tries if turn.reading is not None), None)
        native = self._subject.element.native
        reading = native if spare is None else spare.reading
        confidence = 0.0 if spare is None else spare.confidence or 0.0
        said = UNAFFORDABLE if self._was_limited else reason
        return Outcome(
            self._subject.element,
            reading,
            confidence,
            Verdict.UNVERIFIED,
            said,
            tries=tuple(self._tries),
        )


def _draw(name: str) -> float:
    """A number in [0, 1) that belongs to the element."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / (1 << 48)
