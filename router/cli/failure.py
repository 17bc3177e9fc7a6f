"""How a failure ends: an exit code, a sentence for people, an object for programs.

Decides which errors belong to which code. Imports an error's home only once something failed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import typer


class ExitCode(IntEnum):
    """What the shell gets."""

    FAILED = 1
    WRONG = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


# gRPC codes by name; all others are FAILED.
_CODES = {
    "INVALID_ARGUMENT": ExitCode.WRONG,
    "FAILED_PRECONDITION": ExitCode.WRONG,
    "RESOURCE_EXHAUSTED": ExitCode.WRONG,  # the budget; what passes by itself is told apart by its reason
    "UNAUTHENTICATED": ExitCode.WRONG,
    "PERMISSION_DENIED": ExitCode.WRONG,
    "ABORTED": ExitCode.WRONG,
    "NOT_FOUND": ExitCode.WRONG,
    "UNAVAILABLE": ExitCode.UNAVAILABLE,
    "DEADLINE_EXCEEDED": ExitCode.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the command ends without success. ``reason`` is a stable word."""

    exit_code: ExitCode
    reason: str
    message: str
    details: Mapping[str, object] = field(default_factory=dict)

    def tell(self, *, as_json: bool) -> None:
        """Print it: to programs on standard output, to people on standard error."""
        if as_json:
            error = {"reason": self.reason, "message": self.message, **self.details}
            print(json.dumps({"error": error}, ensure_ascii=False))
        else:
            print(f"upshift: {self.message}", file=sys.stderr)


class Fault(Exception):
    """A verb cannot go on, and says why."""

    def __init__(self, message: str, *, code: ExitCode = ExitCode.FAILED, reason: str = "FAILED") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


def failure_of(error: BaseException) -> Failure:
    """Say how the command ends because of ``error``."""
    if isinstance(error, Fault):
        return Failure(error.code, error.reason, str(error))
    if isinstance(error, typer.TyperException):
        return _misuse(error)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure(ExitCode.INTERRUPTED, "INTERRUPTED", "interrupted")
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(ExitCode.FAILED, "FILE", f"{error.filename}: {error.strerror}")
    return _configuration_failure(error) or _call_failure(error) or _unforeseen(error)


def _misuse(error: typer.TyperException) -> Failure:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "upshift"
    return Failure(ExitCode.WRONG, "USAGE", f"{error.format_message().rstrip('.')}; try {command} --help")


def _configuration_failure(error: BaseException) -> Failure | None:
    from policies.artefact import ArtefactError
    from router.cli.problems import problems_json
    from router.config import ConfigError
    from router.evaluate.problem import EvaluationError
    from router.journal import JournalError
    from router.ledger.base import LedgerUnfit
    from router.observe.extra import MissingExtra
    from router.outcomes import OutcomesError
    from router.tenants.key_file import KeyFileError

    if isinstance(error, ConfigError):
        details = {"problems": problems_json(error.problems)}
        return Failure(ExitCode.WRONG, "CONFIG_INVALID", f"the configuration is wrong\n{error}", details)
    if isinstance(error, ArtefactError | JournalError | KeyFileError | MissingExtra | LedgerUnfit):
        return Failure(ExitCode.WRONG, "CONFIG_INVALID", str(error))
    if isinstance(error, OutcomesError | EvaluationError):
        return Failure(ExitCode.WRONG, "OUTCOMES_INVALID", str(error))
    return None


def _call_failure(error: BaseException) -> Failure | None:
    from router.errors import RoutingError
    from router.rpc.client import UpshiftError
    from router.rpc.listen import ListenError
    from router.rpc.status import wire_status

    if isinstance(error, ListenError):
        return Failure(ExitCode.WRONG, "CANNOT_LISTEN", str(error))
    if isinstance(error, RoutingError):
        code = wire_status(error).code
        return _refusal(code.name, error.reason, str(error), error.metadata)
    if isinstance(error, UpshiftError):
        return _refusal(error.code.name, error.reason, str(error), error.metadata)
    return None


def _refusal(code: str, reason: str, message: str, metadata: Mapping[str, str]) -> Failure:
    if reason == "UNAVAILABLE":  # the network's word: a router says which of its reasons it is
        message = f"no server answers; is `upshift serve` running? ({message})"
    if message == "Deadline Exceeded":  # gRPC's own words, where the answer was not waited for
        message = "no answer came in time; give it more by --timeout"
    passes = reason in ("QUEUE_FULL", "RATE_LIMITED")
    exit_code = ExitCode.UNAVAILABLE if passes else _CODES.get(code, ExitCode.FAILED)
    details = {"code": code, "metadata": dict(metadata)}
    return Failure(exit_code, reason, f"{reason}: {message}", details)


def _unforeseen(error: BaseException) -> Failure:
    message = f"{type(error).__name__}: {error}; UPSHIFT_TRACEBACK=1 shows where, please report it"
    return Failure(ExitCode.FAILED, "INTERNAL", message)
