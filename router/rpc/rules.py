"""What a request's fields may hold: one table of rules.

Decides bounds and reports every breach at once, by the field's path in the proto, a stable reason
and a sentence with the value seen; never with text of the prompt. Refuses to know what the values
are for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter

from upshift.v1 import router_pb2, types_pb2

from router.errors import InvalidRequest, Violation
from router.rpc.formats import format_violations
from router.rpc.names import SESSION_KEY
from router.rpc.tools import call_violations, toolbox_violations

Asking = router_pb2.GenerateRequest | router_pb2.StreamGenerateRequest | router_pb2.DecideRequest

MAX_MESSAGE_COUNT = 256
MAX_TEXT_BYTE_COUNT = 1 << 20
MAX_STOP_COUNT = 8
MAX_TOP_LOGPROB_COUNT = 20
MAX_IMAGE_COUNT = 16
IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
MAX_TAG_COUNT = 32
MAX_TIER_COUNT = 256
MAX_NAME_LENGTH = 128
MAX_PAGE_SIZE = 1000
# More than a status has room for.
_MAX_VIOLATION_COUNT = 100


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules compare with: the names that exist, and how much text is taken, in bytes of UTF-8."""

    tiers: frozenset[str]
    policies: frozenset[str]
    max_text_byte_count: int = MAX_TEXT_BYTE_COUNT


_SESSION = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ASKING_ROLES = (types_pb2.ROLE_USER, types_pb2.ROLE_TOOL)

Rule = Callable[[Asking, Known], Iterator[Violation]]


def check_asking(message: Asking, known: Known, session: str = "") -> None:
    """Raise InvalidRequest where ``message`` breaks a rule, or ``session`` does; empty: there is none."""
    found = (violation for rule in RULES for violation in rule(message, known))
    _raise(chain(found, _session(session)))


def check_feedback(message: router_pb2.SubmitFeedbackRequest) -> None:
    """Raise InvalidRequest where the feedback breaks a rule."""
    _raise(_feedback(message))


def check_page(message: router_pb2.ListTiersRequest, names: tuple[str, ...]) -> None:
    """Raise InvalidRequest where the page asked for cannot be had; ``names`` are the tiers'."""
    _raise(_page(message, names))


def _raise(found: Iterator[Violation]) -> None:
    violations = tuple(islice(found, _MAX_VIOLATION_COUNT))
    if violations:
        raise InvalidRequest(violations)


def _messages(message: Asking, known: Known) -> Iterator[Violation]:
    messages = message.prompt.messages
    path = "prompt.messages"
    if not messages:
        yield Violation(path, "PROMPT_EMPTY", "has no messages; give at least one, the last from the user")
        return
    if len(messages) > MAX_MESSAGE_COUNT:
        said = f"has {len(messages)} messages; at most {MAX_MESSAGE_COUNT} are taken"
        yield Violation(path, "MESSAGES_TOO_MANY", said)
    elif messages[-1].role not in _ASKING_ROLES:
        said = f"is from {_role(messages[-1].role)}; the last message must be from ROLE_USER or ROLE_TOOL"
        yield Violation(f"{path}[{len(messages) - 1}].role", "LAST_MESSAGE_NOT_USER", said)
    for index, turn in enumerate(messages[:MAX_MESSAGE_COUNT]):
        if not 0 < turn.role <= types_pb2.ROLE_TOOL:
            said = f"is {_role(turn.role)}; give ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT or ROLE_TOOL"
            yield Violation(f"{path}[{index}].role", "ROLE_INVALID", said)
        if not (turn.content or turn.tool_calls or turn.role == types_pb2.ROLE_TOOL):
            yield Violation(f"{path}[{index}].content", "PROMPT_EMPTY", "is empty; give it text")
    byte_count = sum(map(_byte_count, messages))
    if byte_count > known.max_text_byte_count:
        said = f"holds {byte_count} bytes of text; at most {known.max_text_byte_count} are taken"
        yield Violation(path, "PROMPT_TOO_LARGE", said)


def _byte_count(turn: types_pb2.Message) -> int:
    return len(turn.content.encode()) + sum(len(call.arguments.encode()) for call in turn.tool_calls)


def _tools(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001
    if len(message.prompt.messages) <= MAX_MESSAGE_COUNT:
        yield from call_violations(message.prompt.messages)
    if message.prompt.HasField("tools"):
        yield from toolbox_violations(message.prompt.tools)


def _images(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001  a rule's signature
    images = [image for turn in message.prompt.messages for image in turn.images]
    if len(images) > MAX_IMAGE_COUNT:
        said = f"has {len(images)} images; at most {MAX_IMAGE_COUNT} are taken"
        yield Violation("prompt.messages", "IMAGES_TOO_MANY", said)
    for image in images[:MAX_IMAGE_COUNT]:
        if image.media_type not in IMAGE_TYPES or not image.data:
            said = (
                f"has {len(image.data)} bytes of {image.media_type!r}; give one of {', '.join(IMAGE_TYPES)}"
            )
            yield Violation("prompt.messages.images", "IMAGE_INVALID", said)


def _role(number: int) -> str:
    named = types_pb2.Role.DESCRIPTOR.values_by_number.get(number)
    return named.name if named else f"the unknown number {number}"


@dataclass(frozen=True, slots=True)
class _Range:
    """An optional number must lie between ``low`` and ``high``, both included; NaN never does."""

    parent: str
    field: str
    low: float
    high: float
    said: str

    def __call__(self, message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG002
        group = attrgetter(self.parent)(message)
        if group.HasField(self.field) and not self.low <= (value := getattr(group, self.field)) <= self.high:
            reason = f"{self.field.upper()}_OUT_OF_RANGE"
            yield Violation(f"{self.parent}.{self.field}", reason, f"is {value}; it must {self.said}")


def _stop(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001
    stop = message.prompt.sampling.stop
    path = "prompt.sampling.stop"
    if len(stop) > MAX_STOP_COUNT:
        yield Violation(path, "STOP_TOO_MANY", f"has {len(stop)} strings; at most {MAX_STOP_COUNT} are taken")
    for index, text in enumerate(stop[:MAX_STOP_COUNT]):
        if not 0 < len(text) <= MAX_NAME_LENGTH:
            said = f"has {len(text)} characters; it must have 1 to {MAX_NAME_LENGTH}"
            yield Violation(f"{path}[{index}]", "STOP_LENGTH_INVALID", said)


def _response_format(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001
    if message.prompt.HasField("response_format"):
        yield from format_violations(message.prompt.response_format)


def _allowed_tiers(message: Asking, known: Known) -> Iterator[Violation]:
    names = message.constraints.allowed_tiers
    path = "constraints.allowed_tiers"
    if len(names) > MAX_TIER_COUNT:
        yield Violation(path, "TIERS_TOO_MANY", f"has {len(names)} names; at most {MAX_TIER_COUNT} are taken")
    for index, name in enumerate(names[:MAX_TIER_COUNT]):
        if name not in known.tiers:
            yield Violation(f"{path}[{index}]", "TIER_UNKNOWN", _unknown("tier", name, known.tiers))


def _policy(message: Asking, known: Known) -> Iterator[Violation]:
    name = message.constraints.policy
    if name and name not in known.policies:
        yield Violation("constraints.policy", "POLICY_UNKNOWN", _unknown("policy", name, known.policies))


def _unknown(noun: str, name: str, known: frozenset[str]) -> str:
    seen = repr(name if len(name) <= 64 else name[:64] + "…")
    return f"no {noun} is called {seen}; there are: {', '.join(sorted(known))}"


def _tags(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001
    if len(message.tags) > MAX_TAG_COUNT:
        said = f"has {len(message.tags)} labels; at most {MAX_TAG_COUNT} are taken"
        yield Violation("tags", "TAGS_TOO_MANY", said)
    for index, tag in enumerate(message.tags[:MAX_TAG_COUNT]):
        yield from _length(f"tags[{index}]", "TAG_LENGTH_INVALID", tag, least=1)


def _tenant(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001
    yield from _length("tenant", "TENANT_LENGTH_INVALID", message.tenant, least=0)


def _priority(message: Asking, known: Known) -> Iterator[Violation]:  # noqa: ARG001
    if not 0 <= message.priority <= types_pb2.PRIORITY_HIGH:
        said = (
            f"is the unknown number {message.priority}; give PRIORITY_LOW, PRIORITY_NORMAL or PRIORITY_HIGH"
        )
        yield Violation("priority", "PRIORITY_INVALID", said)


def _length(path: str, reason: str, text: str, *, least: int) -> Iterator[Violation]:
    if not least <= len(text) <= MAX_NAME_LENGTH:
        said = f"has {len(text)} characters; it must have {least} to {MAX_NAME_LENGTH}"
        yield Violation(path, reason, said)


def _session(session: str) -> Iterator[Violation]:
    if session and not _SESSION.fullmatch(session):
        said = f"has {len(session)} characters; it must have 1 to 128 of [A-Za-z0-9_-]"
        yield Violation(SESSION_KEY, "SESSION_INVALID", said)


RULES: tuple[Rule, ...] = (
    _messages,
    _images,
    _tools,
    _Range("prompt.sampling", "temperature", 0.0, 2.0, "lie in [0, 2]"),
    _Range("prompt.sampling", "top_p", math.ulp(0.0), 1.0, "lie in (0, 1]"),
    _Range("prompt.sampling", "max_output_token_count", 1, math.inf, "be at least 1"),
    _Range("prompt.sampling", "top_k", 1, math.inf, "be at least 1"),
    _Range("prompt.sampling", "min_p", 0.0, 1.0, "lie in [0, 1]"),
    _Range("prompt.sampling", "repetition_penalty", 0.1, 10.0, "lie in [0.1, 10]"),
    _Range("prompt.sampling", "presence_penalty", -2.0, 2.0, "lie in [-2, 2]"),
    _Range("prompt.sampling", "frequency_penalty", -2.0, 2.0, "lie in [-2, 2]"),
    _Range("prompt.sampling", "top_logprob_count", 0, MAX_TOP_LOGPROB_COUNT, "lie in [0, 20]"),
    _stop,
    _response_format,
    _Range("constraints", "min_confidence", 0.0, 1.0, "lie in [0, 1]"),
    _Range("constraints", "max_cost_usd_micros", 0, math.inf, "not be negative"),
    _Range("constraints", "max_attempt_count", 1, math.inf, "be at least 1"),
    _allowed_tiers,
    _policy,
    _tags,
    _tenant,
    _priority,
)


def _feedback(message: router_pb2.SubmitFeedbackRequest) -> Iterator[Violation]:
    yield from _length("request_id", "REQUEST_ID_LENGTH_INVALID", message.request_id, least=1)
    if not 0.0 <= message.score <= 1.0:
        yield Violation("score", "SCORE_OUT_OF_RANGE", f"is {message.score}; it must lie in [0, 1]")
    yield from _length("source", "SOURCE_LENGTH_INVALID", message.source, least=1)


def _page(message: router_pb2.ListTiersRequest, names: tuple[str, ...]) -> Iterator[Violation]:
    if not 0 <= message.page_size <= MAX_PAGE_SIZE:
        said = f"is {message.page_size}; it must lie in [1, {MAX_PAGE_SIZE}], or be unset"
        yield Violation("page_size", "PAGE_SIZE_OUT_OF_RANGE", said)
    if message.page_token and message.page_token not in names:
        said = "comes from no earlier answer; start again without it"
        yield Violation("page_token", "PAGE_TOKEN_INVALID", said)
