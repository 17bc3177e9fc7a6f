"""Reads files of prompts: JSON lines, plain text of one prompt a line, or outcomes; gzipped or not.

Decides which prompts are the same and which are drawn. Every prompt passes the checks that a request
over the wire passes, and becomes what it would become there, so that tiers see what they will serve.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from upshift.v1 import router_pb2

from backends.types import Prompt
from policies.guarantee.split import share_of
from router.collect.cases import Case, prompt_key
from router.collect.errors import CollectError
from router.collect.prompt_line import PromptLine
from router.errors import InvalidRequest
from router.outcomes.read import complaints, read_lines
from router.rpc.client.question import Options, asking
from router.rpc.rules import Known
from router.rpc.seam import Call
from router.rpc.wire import core_request

_ANY_TIMEOUT_S = 60.0
"""A request has one; only its prompt is used here."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """Different prompts in the order of the file; ``duplicate_count`` more were the same as one of them."""

    cases: tuple[Case, ...]
    duplicate_count: int = 0


def read_prompts(path: Path) -> Prompts:
    """Read all prompts of ``path``; of equal ones the first is kept, with the tags of all.

    Raises CollectError for the first line that is wrong, for two prompts of one id and for a file
    without any, OutcomesError for damaged gzip, and OSError where the file cannot be read.
    """
    kept: dict[str, Case] = {}
    places: dict[str, str] = {}
    count = 0
    for case in _cases(path):
        count += 1
        if kept.setdefault(case.key, case) is not case:
            kept[case.key] = _with_tags(kept[case.key], case.prompt.terms.tags)
            continue
        if places.setdefault(case.id, case.place) != case.place:
            raise CollectError(
                f"{case.place}: id: {case.id!r} is that of {places[case.id]} too; ids must differ"
            )
    if not kept:
        raise CollectError(f"{path}: there is no prompt in it; give one a line, as text or as a JSON object")
    return Prompts(tuple(kept.values()), count - len(kept))


def choose(cases: Sequence[Case], count: int | None, seed: int) -> tuple[Case, ...]:
    """Draw ``count`` of ``cases`` at random, in their order; None: all.

    A larger count adds to the same draw, so that what was collected stays of use.
    """
    if count is None or count >= len(cases):
        return tuple(cases)
    shares = {case.key: share_of(case.key, f"upshift.collect {seed}") for case in cases}
    drawn = {case.key for case in sorted(cases, key=lambda case: shares[case.key])[:count]}
    return tuple(case for case in cases if case.key in drawn)


def _cases(path: Path) -> Iterator[Case]:
    numbered = [(number, line) for number, line in enumerate(read_lines(path), start=1) if line.strip()]
    is_json = bool(numbered) and numbered[0][1].lstrip().startswith(b"{")
    for number, line in numbered:
        place = f"{path}:{number}"
        yield _case(_parsed(line, place) if is_json else _plain(line, place), place)


def _parsed(line: bytes, place: str) -> PromptLine:
    try:
        return PromptLine.model_validate_json(line)
    except ValidationError as exc:
        raise CollectError("; ".join(complaints(exc, place))) from exc


def _plain(line: bytes, place: str) -> PromptLine:
    try:
        return PromptLine(prompt=line.decode().strip())
    except UnicodeDecodeError as exc:
        raise CollectError(f"{place}: it is not UTF-8 at byte {exc.start}") from exc


def _case(line: PromptLine, place: str) -> Case:
    prompt = _checked(line, place)
    references = tuple(line.alternatives)
    case = Case(line.id or "", prompt, references, line.pattern, line.task, line.group, place)
    case = _with_tags(case, line.tags)
    return case if case.id else replace(case, id=f"prompt-{prompt_key(prompt)}")


def _with_tags(case: Case, tags: Iterable[str]) -> Case:
    terms = case.prompt.terms
    joined = replace(terms, tags=tuple(sorted({*terms.tags, *tags})))
    return case if joined == terms else replace(case, prompt=replace(case.prompt, terms=joined))


def _checked(line: PromptLine, place: str) -> Prompt:
    """What a server would make of the prompt."""
    question: Any = line.prompt
    if not isinstance(question, str):
        question = [{"role": turn.role.value, "content": turn.content} for turn in question]
    form = line.form
    options: Options = {"schema": form.json_schema, "regex": form.regex, "grammar": form.grammar}
    try:
        message = asking(router_pb2.DecideRequest, question, options)
        return core_request(message, Call(place, _ANY_TIMEOUT_S), Known(frozenset(), frozenset())).prompt
    except InvalidRequest as exc:
        raise CollectError(f"{place}: {exc}") from exc
    except (ValueError, TypeError) as exc:  # a schema with what no message can hold
        shown = json.dumps(type(exc).__name__)
        raise CollectError(f"{place}: the prompt cannot be sent over the wire ({shown})") from exc
