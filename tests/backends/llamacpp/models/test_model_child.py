"""Jobs in child processes: whatever becomes of the child, the parent gets an answer or a BackendError."""

from __future__ import annotations

import pytest

from backends.errors import Refused, Unavailable
from backends.llamacpp.models.child import run_job
from tests.backends.llamacpp.models import jobs


def test_a_job_answers_and_tells_how_far_it_is() -> None:
    """What the library prints to standard output is not taken for the job's words."""
    heard: list[tuple[str, int, int]] = []
    result = run_job(jobs.NAME, {"how": "answer", "value": "ä" * 100_000}, lambda *words: heard.append(words))
    assert result == {"echo": "ä" * 100_000}
    assert heard == [("working", 1, 2)]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("refuse", Refused, "it is refused"),
        ("unavailable", Unavailable, "it is unavailable"),
        ("assert", Refused, r"SIGABRT.*GGML_ASSERT\(n_rot == n_head\) failed"),
        ("mistake", Refused, "exit code 1.*ValueError: a mistake of ours"),
    ],
)
def test_every_end_is_told(how: str, error: type[Exception], message: str) -> None:
    """An assertion in C ends the child and not the parent, and is quoted."""
    with pytest.raises(error, match=message):
        run_job(jobs.NAME, {"how": how})
