"""Your own program grades: one process an answer, JSON in, a score out.

Decides how long it may take and what counts as a score. The program never learns which tier wrote
the answer; what it writes to standard error goes where ours goes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

from policies.guarantee.certificate import digest
from router.certificates.fingerprints import path_fingerprint
from router.collect.cases import Case
from router.collect.errors import CollectError
from router.outcomes.write import as_line, form_document, prompt_document

_LOG = logging.getLogger(__name__)

_OUTPUT_LIMIT = 65_536
_HOPELESS_COUNT = 5


class Command:
    """``command:PROGRAM ARGUMENTS``.

    Standard input is one JSON object: ``id``, ``task``, ``prompt``, ``response_format``,
    ``references``, ``answer``. Standard output is a number in [0, 1], or an object with one as
    ``score``. No shell is involved.
    """

    is_proxy = False
    is_dear = True
    needs_top = False

    def __init__(self, argument: str = "", timeout_s: float = 30.0) -> None:
        words = shlex.split(argument)
        program = shutil.which(words[0]) if words else None
        if program is None:
            raise CollectError(
                f"--grader: command:{argument} names no program that can be run; give command:PROGRAM"
            )
        self._words = [program, *words[1:]]
        files = {word: path_fingerprint(Path(word)) for word in self._words if Path(word).is_file()}
        self.name = f"command:{argument} ({digest([words, files])[:12]})"
        self._timeout_s = timeout_s
        self._failed_in_a_row = 0

    def missing(self, case: Case) -> str | None:  # noqa: ARG002
        """It is the program's to say what it needs."""
        return None

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """Run the program; None where it fails, gives no score, or takes too long."""
        try:
            async with asyncio.timeout(self._timeout_s):
                score = _score(await self._run(_question(case, text)))
        except TimeoutError:
            self._note(case, f"took longer than {self._timeout_s:g} s")
        except ValueError as exc:
            self._note(case, str(exc))
        else:
            self._failed_in_a_row = 0
            return score
        return None

    def _note(self, case: Case, said: str) -> None:
        _LOG.warning("%s: the grading program %s", case.place or case.id, said)
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= _HOPELESS_COUNT:
            raise CollectError(
                f"the grading program failed {_HOPELESS_COUNT} times in a row, last it {said}; it gets one "
                "JSON object on standard input and prints a score in [0, 1]; answers are kept, run this again"
            )

    async def _run(self, question: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            await _feed(process.stdin, question)
            output = await _read(process.stdout)
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code != 0:
            raise ValueError(f"ended with status {code}")
        return output


async def _read(stdout: asyncio.StreamReader) -> bytes:
    output = b""
    while chunk := await stdout.read(_OUTPUT_LIMIT):
        output += chunk
        if len(output) > _OUTPUT_LIMIT:
            raise ValueError(f"printed more than {_OUTPUT_LIMIT} bytes")
    return output


async def _feed(stdin: asyncio.StreamWriter, question: bytes) -> None:
    """Hand the question over; a program that does not read it to the end may still have its score."""
    try:
        stdin.write(question)
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        stdin.close()


def _question(case: Case, text: str) -> bytes:
    asked = {
        "id": case.id,
        "task": case.task,
        "prompt": prompt_document(case.prompt),
        "response_format": form_document(case.prompt),
        "references": list(case.references),
        "answer": text,
    }
    return as_line(asked).encode("utf-8", "replace") + os.linesep.encode()


def _score(output: bytes) -> float:
    """Read a score. Raises ValueError that says what came instead."""
    try:
        value: Any = json.loads(output)
    except (ValueError, RecursionError):
        raise ValueError(f"printed {len(output)} bytes that are no JSON") from None
    if isinstance(value, dict):
        value = value.get("score")
    if isinstance(value, bool):
        value = float(value)
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0.0 <= value <= 1.0:
        shown = value if isinstance(value, int | float) else type(value).__name__
        raise ValueError(f"gave no score in [0, 1] but {shown}")
    return float(value)
