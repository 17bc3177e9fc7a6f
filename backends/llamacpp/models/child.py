"""Runs a job on llama.cpp in a process of its own: what it doubts it ends by an assertion, process and all.

A job is a module with a function from a JSON object to a JSON object. Parent and child speak JSON lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from subprocess import PIPE
from typing import IO, Any

from backends.errors import BackendError, Refused, Unavailable
from backends.llamacpp.models.progress import Progress, silent

Job = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]
# Enough for the assertion that failed and what was said before it.
_STDERR_BYTES = 4_000
# A child that ended its output is about to die; its core may have to be written.
_DEATH_S = 60.0


def run_job(module: str, request: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """Run the job of ``module`` on ``request`` and return its result.

    Raises what the job raised, Refused where it died: on sound files it does not. Ends the child when
    the caller is interrupted.
    """
    with tempfile.TemporaryFile("w+") as errors, _started(module, errors) as child:
        try:
            result = _converse(child, request, progress)
            if result is None:
                raise Refused(_last_words(module, child.wait(_DEATH_S), errors))
        finally:
            child.kill()
    return result


def serve_job(job: Job) -> None:
    """Be the child: run ``job`` on the request at standard input."""
    # llama.cpp prints to standard output here and there; the parent must not take that for its lines.
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(kind: str, value: object) -> None:
        print(json.dumps({kind: value}), file=lines, flush=True)

    try:
        result = job(json.load(sys.stdin), lambda *words: say("progress", words))
        say("result", result)
    except Refused as exc:
        say("refused", str(exc))
    except BackendError as exc:
        say("unavailable", str(exc))


def _started(module: str, errors: IO[str]) -> subprocess.Popen[str]:
    """Start the child where this process finds its modules, and not in the folder it happens to be in."""
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", module],
        stdin=PIPE,
        stdout=PIPE,
        stderr=errors,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def _converse(
    child: subprocess.Popen[str], request: Mapping[str, Any], progress: Progress
) -> dict[str, Any] | None:
    """Hand over the request and listen until there is a result; None: the child ended without one."""
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(BrokenPipeError), child.stdin:
        json.dump(request, child.stdin)
    return _listen(child.stdout, progress)


def _listen(lines: IO[str], progress: Progress) -> dict[str, Any] | None:
    for line in lines:
        ((kind, value),) = json.loads(line).items()
        if kind == "progress":
            progress(*value)
        elif kind == "result":
            return dict(value)
        else:
            raise (Refused if kind == "refused" else Unavailable)(value)
    return None


def _last_words(module: str, code: int, errors: IO[str]) -> str:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _STDERR_BYTES))
    said = [line.strip() for line in errors.read().splitlines() if line.strip()]
    telling = [line for line in said if "ASSERT" in line or "Error" in line] or said[-1:]
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    what = module.rpartition(".")[2]
    return f"llama.cpp broke off ({what}, {how}): {' '.join(telling[-1:]) or 'it did not say why'}"
