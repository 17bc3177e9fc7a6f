"""What tiers answered to a prompt and how good that was: the record that everything is learnt from.

Decides what a record holds and which records are kin. Refuses to know where they came from, and
what is learnt from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from backends.types import Prompt
from policies.odds import Floats


@dataclass(frozen=True, slots=True)
class Sample:
    """One of several answers drawn from one tier; ``quality`` in [0, 1], None where ungraded."""

    text: str
    quality: float | None = None
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One tier's graded answer: ``quality`` in [0, 1], what its signals measured, its tokens.

    ``output_token_count`` None: not known. ``text`` is all that the tier wrote and ``answer`` the
    part that was graded, None where they were not kept. ``cost_usd`` and ``latency_s`` are of this
    attempt, None where not measured. ``samples`` are further answers of the tier to the same prompt.
    """

    quality: float
    signals: Mapping[str, float]
    output_token_count: int | None
    text: str | None = None
    answer: str | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """A prompt and the outcomes of the tiers that ran on it; not every tier need have.

    ``id`` names the record, "" where it has no name. ``group`` names what it belongs to (a
    conversation, a document) and ``task`` its kind; None: not told. ``embedding`` (width,) is what an
    encoder makes of the prompt, None where none has read it.
    """

    prompt: Prompt
    outcomes: Mapping[str, Outcome]
    id: str = ""
    group: str | None = None
    task: str | None = None
    embedding: Floats | None = field(default=None, compare=False, repr=False)


def by_id(records: Iterable[OutcomeRecord]) -> dict[str, OutcomeRecord]:
    """Records by :func:`record_id`; ValueError where two share one."""
    found: dict[str, OutcomeRecord] = {}
    for record in records:
        key = record_id(record)
        if key in found:
            raise ValueError(f"two records have the id {key!r}; ids must differ")
        found[key] = record
    return found


def record_id(record: OutcomeRecord) -> str:
    """Give the record's id, or one derived from its prompt where it has none."""
    if record.id:
        return record.id
    return "prompt-" + blake2b(record.prompt.text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def groups_of(records: Sequence[OutcomeRecord]) -> list[str]:
    """Name each record's kin: those of one id, group or prompt text, and the kin of those.

    Records of one name must never lie on both sides of a split into fitting and judging. A name
    is the id of a record of the group, and does not depend on the order of ``records``.
    """
    parents = list(range(len(records)))
    first: dict[tuple[str, str], int] = {}
    for place, record in enumerate(records):
        for key in _keys(record):
            _join(parents, place, first.setdefault(key, place))
    names: dict[int, str] = {}
    for place, record in enumerate(records):
        root, name = _root(parents, place), record_id(record)
        names[root] = min(names.get(root, name), name)
    return [names[_root(parents, place)] for place in range(len(records))]


def _keys(record: OutcomeRecord) -> Iterable[tuple[str, str]]:
    yield "prompt", " ".join(record.prompt.text.split())
    if record.id:
        yield "id", record.id
    if record.group is not None:
        yield "group", record.group


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _join(parents: list[int], first: int, second: int) -> None:
    parents[_root(parents, first)] = _root(parents, second)
