"""Log lines, for people and for programs."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from router.observe.log_lines import configure
from router.observe.request_log import log_run
from router.request_context import set_current
from router.tiers import Tier
from tests.router.conftest import ask
from tests.router.observe.conftest import Seen

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as it is configured in the test; the root logger is put back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    set_current("", "")


def read(lines: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines.getvalue())
    return found


def test_a_json_line_names_its_request_and_trace(lines: io.StringIO) -> None:
    """Whatever part of the code writes it."""
    configure("json", lines)
    set_current("r1", f"00-{TRACE_ID}-00f067aa0ba902b7-01")
    logging.getLogger("router.anything").warning("so %s", "it is")
    line = read(lines)
    assert (line["message"], line["level"], line["logger"]) == ("so it is", "warning", "router.anything")
    assert (line["request_id"], line["trace_id"]) == ("r1", TRACE_ID)


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_exceptions_own_words_are_left_out(lines: io.StringIO, form: Literal["json", "text"]) -> None:
    """They may quote a prompt; where it happened is told."""
    configure(form, lines)
    prompt = " ".join(("the", "prompt"))
    try:
        raise ValueError(prompt)
    except ValueError:
        logging.getLogger().exception("it failed")
    for said in ("it failed", "ValueError", "test_log_lines.py"):
        assert said in lines.getvalue()
    assert prompt not in lines.getvalue()


async def test_a_request_is_a_line_with_fields(ladder: list[Tier], lines: io.StringIO) -> None:
    """Programs get numbers as numbers, and nothing of what was said."""
    run = await Seen(ladder).run(ask("a secret question", id="r2"))
    configure("json", lines)
    set_current("r2", "")
    log_run(run)
    line = read(lines)
    assert (line["message"], line["request_id"], line["outcome"]) == ("request", "r2", "OK")
    assert line["attempts"] == "edge:low_confidence,local:low_confidence,frontier:confident"
    assert isinstance(line["overhead_s"], float)
    assert "secret question" not in lines.getvalue()
    assert "frontier says" not in lines.getvalue()


async def test_people_get_a_line_too(ladder: list[Tier], lines: io.StringIO) -> None:
    """With the same words."""
    run = await Seen(ladder).run(ask())
    configure("text", lines)
    set_current("r3", "")
    log_run(run)
    assert "request outcome=OK policy=default tier=frontier" in lines.getvalue()
    assert lines.getvalue().endswith("id=r3\n")
