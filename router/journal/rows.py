"""Journal records as table rows and back. What has no column of its own travels as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from backends.tools import ToolCall
from backends.types import Message, Role, Usage
from router.events import AttemptReport, Outcome, ProbeReport, TierEstimate
from router.journal.audit import Audit
from router.journal.record import Record, canonical, hash_of

Row = dict[str, Any]

# One encoder for all: json.dumps makes a new one a call where its settings are not the default.
_dump = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True).encode
_STORED = tuple(field.name for field in fields(Record) if field.name not in ("feedback", "audit"))
COLUMNS = (*_STORED, "features_hash")
_ESTIMATE = tuple(field.name for field in fields(TierEstimate))
_ATTEMPT = tuple(field.name for field in fields(AttemptReport))
_PROBE = tuple(field.name for field in fields(ProbeReport))
AUDIT_COLUMNS = tuple(field.name for field in fields(Audit))
_CALL = tuple(field.name for field in fields(ToolCall))
_USAGE = tuple(field.name for field in fields(Usage))


def to_row(record: Record) -> Row:
    """Make the row of ``record``, without what joins it later.

    Raises ValueError or TypeError where a value fits no column.
    """
    row: Row = {name: getattr(record, name) for name in _STORED}
    row["tags"] = _dump(sorted(record.tags))
    row["features"] = features = canonical(record.features)
    row["features_hash"] = hash_of(features)
    row["estimates"] = _dump([_estimate_json(estimate) for estimate in record.estimates])
    row["attempts"] = _dump([_attempt_json(attempt) for attempt in record.attempts])
    if record.messages is not None:
        row["messages"] = _dump([_message_json(message) for message in record.messages])
    if record.tool_calls is not None:
        row["tool_calls"] = _dump([_call_json(call) for call in record.tool_calls])
    return row


def from_row(row: Mapping[str, Any]) -> Record:
    """Make the record of a row that ``to_row`` made."""
    values = {name: row[name] for name in _STORED if name in row.keys()}  # noqa: SIM118 - sqlite3.Row
    values["tags"] = frozenset(json.loads(row["tags"]))
    values["features"] = json.loads(row["features"])
    values["estimates"] = tuple(TierEstimate(**item) for item in json.loads(row["estimates"]))
    values["attempts"] = tuple(_attempt(item) for item in json.loads(row["attempts"]))
    if row["messages"] is not None:
        messages = json.loads(row["messages"])
        values["messages"] = tuple(map(_message, messages))
    # Journals from before there were tools have no such column.
    if (calls := values.get("tool_calls")) is not None:
        values["tool_calls"] = tuple(ToolCall(**call) for call in json.loads(calls))
    return Record(**values)


def to_audit(row: Mapping[str, Any]) -> Audit:
    """Make the audit of a row of its own table; columns that an older file lacks are not known."""
    values = {name: row[name] for name in AUDIT_COLUMNS if name in row.keys()}  # noqa: SIM118 - sqlite3.Row
    return Audit(**values | {"agreed": None if row["agreed"] is None else bool(row["agreed"])})


def _message_json(message: Message) -> Row:
    more: Row = {}
    if message.tool_calls:
        more["tool_calls"] = [_call_json(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        more |= {"tool_call_id": message.tool_call_id, "is_error": message.is_error}
    return {"role": message.role.value, "content": message.content} | more


def _message(item: Row) -> Message:
    return Message(
        Role(item["role"]),
        item["content"],
        tool_calls=tuple(ToolCall(**call) for call in item.get("tool_calls", ())),
        tool_call_id=item.get("tool_call_id"),
        is_error=item.get("is_error", False),
    )


def _call_json(call: ToolCall) -> Row:
    return {name: getattr(call, name) for name in _CALL}


def _estimate_json(estimate: TierEstimate) -> Row:
    return {name: getattr(estimate, name) for name in _ESTIMATE}


def _attempt_json(attempt: AttemptReport) -> Row:
    values = {name: getattr(attempt, name) for name in _ATTEMPT}
    values["signals"] = dict(attempt.signals)
    values["usage"] = _usage_json(attempt.usage)
    values["probes"] = [_probe_json(probe) for probe in attempt.probes]
    return values


def _probe_json(probe: ProbeReport) -> Row:
    return {name: getattr(probe, name) for name in _PROBE} | {"usage": _usage_json(probe.usage)}


def _usage_json(usage: Usage) -> Row:
    return {name: getattr(usage, name) for name in _USAGE}


def _attempt(item: Row) -> AttemptReport:
    # Journals from before there were probes have none.
    probes = tuple(ProbeReport(**one | {"usage": Usage(**one["usage"])}) for one in item.get("probes", ()))
    known = {"outcome": Outcome(item["outcome"]), "usage": Usage(**item["usage"]), "probes": probes}
    return AttemptReport(**item | known)
