"""Fields by their JSON Schema: candidates from the cheapest source, grounded, verified, escalated one by one.

The pure policies decide here too: ``patterns`` first, the router's tiers where they are in doubt. Whatever a
tier says must stand in the document, or it is marked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policies.base import Accept, Answered, Candidate, State, Stop, Try
from policies.threshold import Threshold, ThresholdOptions
from router.documents.ask.dates import read_date
from router.documents.ask.fields import Field, fields_of
from router.documents.ask.grounding import Span, located
from router.documents.ask.passages import Passage, passages_of, ranked, within
from router.documents.ask.patterns import candidates
from router.documents.asker import Asker, Question, answered
from router.documents.outcome import Document, Verdict
from router.errors import RoutingError
from router.request import Constraints

PATTERNS, TIERS = "patterns", "tiers"
MIN_CONFIDENCE = 0.7
# What a tier is shown for one field: a page and more of text.
_CONTEXT_CHARACTERS = 6000
# Set by hand: on seven public invoices every field that passes MIN_CONFIDENCE by them is right.
_UNIQUE, _DIVIDED, _AMBIGUOUS_DATE = 1.0, 0.6, 0.85
_UNREAD_SHARE = 0.6
_INSTRUCTIONS = (
    "Find one field in the text. Answer with JSON: `quote`, the shortest passage that holds the value, "
    "exactly as it stands in the text, and `value`. Where the text does not say it, both are null."
)


@dataclass(frozen=True, slots=True)
class Found:
    """A field's value; None: not found. ``span`` is where it stands, ``engine`` who found it."""

    field: Field
    value: Any = None
    span: Span | None = None
    confidence: float = 0.0
    engine: str = ""
    cost_usd_micros: float = 0.0
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the value may be trusted: grounded, allowed by the schema, and sure enough."""
        is_sure = self.span is not None and self.confidence >= MIN_CONFIDENCE
        return Verdict.VERIFIED if is_sure else Verdict.UNVERIFIED


async def extract(
    document: Document,
    schema: Mapping[str, Any],
    asker: Asker | None,
    constraints: Constraints | None = None,
    timeout_s: float | None = None,
) -> tuple[Found, ...]:
    """Find every field of ``schema``. ``asker`` None: no tier is asked. Raises InvalidRequest."""
    passages = passages_of(document)
    limits = constraints or Constraints()
    return tuple([await _find(field, passages, asker, limits, timeout_s) for field in fields_of(schema)])


async def _find(
    field: Field,
    passages: Sequence[Passage],
    asker: Asker | None,
    limits: Constraints,
    timeout_s: float | None,
) -> Found:
    policy = Threshold(ThresholdOptions(min_confidence=MIN_CONFIDENCE))
    tried: list[Found] = []
    while isinstance(verdict := policy.decide(_state(tried, has_tiers=asker is not None)), Try):
        if verdict.tier == TIERS and asker is not None:
            tried.append(await _by_tiers(field, passages, asker, limits, timeout_s))
        else:
            tried.append(by_patterns(field, passages))
    return _settled(tried, verdict)


def _state(tried: Sequence[Found], *, has_tiers: bool) -> State:
    done = {one.engine for one in tried}
    costs = {PATTERNS: 0.0} | ({TIERS: 1.0} if has_tiers else {})
    return State(
        candidates=tuple(Candidate(name, 0.8, cost) for name, cost in costs.items() if name not in done),
        answered=tuple(Answered(one.engine, 0.8, one.confidence) for one in tried),
    )


def _settled(tried: Sequence[Found], verdict: Accept | Stop) -> Found:
    """The surest; two sources that agree vouch for each other."""
    best = max(tried, key=lambda one: one.confidence)
    agree = [one for one in tried if one.value is not None and one.value == best.value]
    sure = 1.0 - (1.0 - best.confidence) * (0.5 if len(agree) > 1 else 1.0)
    cost = sum(one.cost_usd_micros for one in tried)
    return replace(best, confidence=round(sure, 4), cost_usd_micros=cost, reason=str(verdict.reason))


def by_patterns(field: Field, passages: Sequence[Passage]) -> Found:
    """What stands by the field's label."""
    found = [one for one in candidates(field, passages) if one.value is not None]
    if not found:
        return Found(field, engine=PATTERNS)
    best = found[0]
    rivals = {json.dumps(one.value) for one in found if one.score >= best.score - 0.05}
    is_divided = len(rivals) > 1 or _is_topped(field, best.value, [one.value for one in found])
    sure = best.score * (_DIVIDED if is_divided else _UNIQUE)
    if field.kind == "date":
        written = read_date(best.span.quote)
        sure *= _AMBIGUOUS_DATE if written is not None and written.is_ambiguous else 1.0
    outcome = next(passage.outcome for passage in passages if passage.id == best.span.element)
    if outcome.verdict is Verdict.UNVERIFIED:
        sure *= _UNREAD_SHARE
    return Found(field, best.value, best.span, round(sure, 4), PATTERNS)


def _is_topped(field: Field, value: Any, others: Sequence[Any]) -> bool:
    """Whether a total is less than another that is named so: with taxes, or before a discount."""
    return "total" in field.words and field.kind == "number" and any(other > value for other in others)


async def _by_tiers(
    field: Field, passages: Sequence[Passage], asker: Asker, limits: Constraints, timeout_s: float | None
) -> Found:
    shown = within(ranked(passages, field.question), _CONTEXT_CHARACTERS)
    text = "\n\n".join(passage.text for passage in shown)
    described = json.dumps({"field": field.name, **field.schema}, ensure_ascii=False)
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"quote": {"type": ["string", "null"]}, "value": {}},
        "required": ["quote", "value"],
    }
    question = Question(_INSTRUCTIONS, f"{described}\n\n{text}", schema=schema)
    try:
        result = await answered(asker, question, limits, timeout_s)
        said = json.loads(result.text)
    except (RoutingError, ValueError) as exc:
        return Found(field, engine=TIERS, reason=type(exc).__name__)
    quote, value = said.get("quote"), said.get("value")
    span = located(quote, shown) if isinstance(quote, str) else None
    if value is None or not field.accepts(value) or span is None or not _holds(field, span.quote, value):
        return Found(field, engine=TIERS, cost_usd_micros=result.cost_usd_micros, reason="not_grounded")
    sure = 0.8 if result.confidence is None else result.confidence
    return Found(field, value, span, round(sure, 4), TIERS, result.cost_usd_micros)


def _holds(field: Field, quote: str, value: Any) -> bool:
    """Whether the quote says the value: the same number, the same day, or the same words."""
    if isinstance(value, str) and field.kind == "string":
        return "".join(value.split()).casefold() in "".join(quote.split()).casefold()
    pieces = (quote, *quote.split())
    return any(field.read(piece) == value for piece in pieces)
