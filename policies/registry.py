"""Names of policies, difficulty estimators, signals, probes and detectors and where their code lives.

The one place that is edited to add one. A class is imported only when its name is asked for. A
package outside this tree adds its own by the entry point groups named here; the value names a
class in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points


class UnknownName(LookupError):
    """Nothing of this kind has this name."""


@cache
def _announced(group: str) -> dict[str, str]:
    """What other distributions bring, as "module:Class" by name; finding out reads a file for each of all."""
    return {point.name: point.value for point in entry_points(group=group)}


@dataclass(frozen=True, slots=True)
class Registry:
    """One kind of part: ``builtin`` maps names to "module:Class"; ``group`` is the entry points'."""

    kind: str
    group: str
    builtin: Mapping[str, str]

    def names(self) -> tuple[str, ...]:
        """All names that :meth:`load` knows, sorted."""
        return tuple(sorted({*self.builtin, *_announced(self.group)}))

    def load(self, name: str) -> type:
        """Import the class called ``name``; raises UnknownName."""
        target = self.builtin.get(name) or _announced(self.group).get(name)
        if target is None:
            raise UnknownName(f"no {self.kind} is called {name!r}; known: {', '.join(self.names())}")
        module_name, _, class_name = target.partition(":")
        loaded: type = getattr(import_module(module_name), class_name)
        return loaded


POLICIES = Registry(
    "policy",
    "upshift.policies",
    {
        "fixed": "policies.fixed:Fixed",
        "mix": "policies.mix:Mix",
        "threshold": "policies.threshold:Threshold",
        "cascade_routing": "policies.cascade_routing:CascadeRouting",
        "certified": "policies.certified:Certified",
    },
)
"""Built as ``Class(options, joint)``: an instance of its strict pydantic ``Class.Options``, and the
learnt :class:`policies.joint.Joint` or None."""

DIFFICULTY = Registry(
    "difficulty estimator",
    "upshift.difficulty",
    {
        "heuristic": "policies.difficulty.heuristic:HeuristicDifficulty",
        "linear": "policies.difficulty.learnt:LearntDifficulty",
    },
)
"""Built as ``Class.build(options, learnt)``; see :class:`policies.difficulty.base.DifficultyEstimator`."""

SIGNALS = Registry(
    "signal",
    "upshift.signals",
    {
        "logprobs": "policies.signals.logprobs:Logprobs",
        "prefix": "policies.signals.prefix:Prefix",
        "json_schema": "policies.signals.validators:JsonSchemaValid",
        "regex": "policies.signals.validators:RegexValid",
        "tool_calls": "policies.signals.tool_calls:ToolCallsValid",
        "shape": "policies.signals.shape:Shape",
        "conclusion": "policies.signals.conclusion:Conclusion",
        "hedging": "policies.signals.hedging:Hedging",
        "structure": "policies.signals.structure:Structure",
        "repetition": "policies.signals.repetition:Repetition",
        "arithmetic": "policies.signals.arithmetic:Arithmetic",
        "little_mass": "policies.signals.little_mass:LittleMass",
        "votes": "policies.signals.votes:Votes",
        "answer_span": "policies.signals.answer_span:AnswerSpan",
        "number": "policies.signals.number:Number",
        "quote": "policies.signals.quote:Quote",
        "code": "policies.signals.code:Code",
    },
)
"""Built as ``Class()``."""

PROBES = Registry(
    "probe",
    "upshift.probes",
    {
        "samples": "policies.probes.samples:Samples",
        "p_true": "policies.probes.p_true:PTrue",
        "judge": "policies.probes.judge:Judge",
    },
)
"""Signals that cost a model call. Built as ``Class(options)``; see :class:`policies.probes.base.Probe`."""

DETECTORS = Registry(
    "kind of personal data",
    "upshift.pii",
    {
        "email": "policies.pii.email:Email",
        "phone": "policies.pii.phone:Phone",
        "card": "policies.pii.card:Card",
        "iban": "policies.pii.iban:Iban",
        "national_id": "policies.pii.national_id:NationalId",
        "ip_address": "policies.pii.ip_address:IpAddress",
        "secret": "policies.pii.secret:Secret",
    },
)
"""Find personal data in prompts. Built as ``Class()``; see :class:`policies.pii.base.Detector`."""
