"""One run of one tier: what it streamed, how long it took, and what it cost.

Decides nothing but what no backend may do: go on after its end, beyond what it was asked for, or
past its time. Keeps the account, also of a run that failed or was cancelled.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from backends.deadline import deadline_after, until
from backends.errors import BackendError, TimedOut, Unavailable
from backends.tools import ToolCall
from backends.types import Completion, Delta, FinishReason, Prompt, TokenLogprob, Usage
from policies.reasons import Reason
from policies.signals.base import Answer
from router.early_stop import Watch
from router.events import AttemptReport, Outcome, ProbeReport
from router.plan import Rung
from router.resilience.call import Call

# A backend keeps its own time and says more about it; past this, it does not.
_GRACE_S = 0.25
# What a backend may send per token that it was asked for, and at least: chunks need not be tokens, and
# not every server stops on the token. Far beyond this it never ends, and its answer fills the memory.
_DELTAS_PER_TOKEN, _MIN_DELTA_COUNT = 4, 256
_CHARACTERS_PER_TOKEN, _MIN_CHARACTER_COUNT = 64, 1 << 20


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was seen in an answer; ``confidence`` None where no calibrated one could be had."""

    signals: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    failed_validation: bool = False


@dataclass(frozen=True, slots=True)
class Assessed:
    """A complete answer's text, and the confidence in it."""

    text: str
    confidence: float | None


class Attempt:
    """One run of a rung's tier, and its account.

    ``was_shown``: its text was sent before it was accepted; ``has_draft``: it was shown an answer
    that had been rejected; ``was_aborted``: its ``watch`` (None: nobody's) stopped it early;
    ``may_repeat``: it failed, and the tier's throttle allows one more call in its place.
    """

    is_single = True
    """Whether it is one call to one tier, which can be made again or have another beside it."""

    def __init__(self, number: int, rung: Rung, clock: Callable[[], float]) -> None:
        self.number = number
        self.rung = rung
        self.tier = rung.tier
        self.was_shown = False
        self.has_draft = False
        self.outcome = Outcome.REJECTED
        self.reason = "cancelled"
        self.assessment = Assessment()
        self.probes: list[ProbeReport] = []
        self.error: BackendError | None = None
        self.watch: Watch | None = None
        self.was_aborted = False
        self.finish_reason: FinishReason | None = None
        self.stop_sequence: str | None = None
        self.may_repeat = False
        self._is_billed = False
        self._told_usage: Usage | None = Usage()
        self._told_cost_usd_micros: int | None = None
        self._clock = clock
        self._started_s = clock()
        self._first_token_s: float | None = None
        self._ended_s: float | None = None
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._tokens: list[TokenLogprob] = []
        self._shown_token_count = 0
        self._tool_calls: list[ToolCall] = []
        self._delta_count = 0
        self._character_count = 0
        self._token_limit = 0

    async def stream(
        self, prompt: Prompt, timeout_s: float, ended: Callable[[], None] | None = None
    ) -> AsyncGenerator[str]:
        """Run the tier and yield its text; ``error`` says afterwards whether it failed.

        The first piece is yielded even where it is empty: the tier has begun to answer. Waiting for the
        tier's door counts towards ``timeout_s``. Cancellation passes through; so does what is no
        BackendError, which is a bug. ``ended`` is called in the end, whatever it is.
        """
        self._told_usage = None
        self._token_limit = self._most_tokens(prompt)
        call = Call(self.tier.guard, timeout_s, prompt.caller.priority)
        deadline_s = self._clock() + timeout_s
        try:
            async with call:
                self._is_billed = True
                left_s = max(0.0, deadline_s - self._clock())
                items = self.tier.backend.stream(prompt, timeout_s=left_s)
                async with aclosing(until(items, deadline_after(left_s + _GRACE_S))) as kept:
                    async for item in kept:
                        call.heard()
                        is_first = self._first_token_s is None
                        text = self._take(item)
                        if text or is_first:
                            yield text
                        if self.watch is not None and self._is_hopeless(item):
                            self._abort()
                            return
                if self.finish_reason is None:
                    raise Unavailable(f"tier {self.tier.name!r} ended its stream without completing it")
        except TimeoutError:
            self._fail(TimedOut(f"tier {self.tier.name!r} did not keep to {timeout_s:.3f} s"))
        except BackendError as error:
            self._fail(error)
        except Exception:
            self.reason = "internal"
            raise
        finally:
            self.may_repeat = call.may_repeat
            self._end(ended)

    def _end(self, ended: Callable[[], None] | None) -> None:
        self._ended_s = self._clock()
        if ended is not None:
            ended()

    def _is_hopeless(self, item: Delta | Completion) -> bool:
        return self.watch is not None and isinstance(item, Delta) and self.watch.is_hopeless(item.tokens)

    def _abort(self) -> None:
        assert self.watch is not None, "only a watched attempt is stopped early"
        self.was_aborted = True
        self.reason = Reason.ABORTED_EARLY
        self.assessment = Assessment(self.watch.signals)

    def _fail(self, error: BackendError) -> None:
        self.error = error
        if error.usage != Usage():
            self._told_usage = error.usage
        self._is_billed = self.usage.output_token_count > 0

    def _most_tokens(self, prompt: Prompt) -> int:
        most = self.tier.backend.capabilities.max_output_token_count
        return min(prompt.sampling.max_output_token_count or most, most)

    def _take(self, item: Delta | Completion) -> str:
        if self.finish_reason is not None:
            raise Unavailable(f"tier {self.tier.name!r} went on after the end of its answer")
        if isinstance(item, Completion):
            self.finish_reason = item.finish_reason
            self.stop_sequence = item.stop_sequence
            self._told_usage = item.usage
            self._told_cost_usd_micros = item.cost_usd_micros
            return ""
        if self._first_token_s is None:
            self._first_token_s = self._clock()
        self._texts.append(item.text)
        self._reasoning.append(item.reasoning)
        self._tokens += item.tokens
        self._tool_calls += item.tool_calls
        self._delta_count += len(item.tokens) or item.piece_count
        self._character_count += len(item.text) + len(item.reasoning)
        if item.tool_calls:
            self._character_count += sum(len(call.arguments) for call in item.tool_calls)
        if (
            self._delta_count > _DELTAS_PER_TOKEN * self._token_limit + _MIN_DELTA_COUNT
            or self._character_count > _CHARACTERS_PER_TOKEN * self._token_limit + _MIN_CHARACTER_COUNT
        ):
            raise Unavailable(f"tier {self.tier.name!r} wrote far more than {self._token_limit} tokens")
        return item.text

    @property
    def usage(self) -> Usage:
        """Tokens read and written: as the tier says, and until it does, as counted."""
        if self._told_usage is None:
            return Usage(self.rung.input_token_count, self._delta_count)
        return self._told_usage

    @property
    def is_running(self) -> bool:
        """Whether its call is being made, rather than waiting for its turn or over."""
        return self._is_billed and self._ended_s is None

    @property
    def is_answered(self) -> bool:
        """Whether it gave a complete answer."""
        return self.error is None and self.finish_reason is not None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._texts)

    @property
    def reasoning(self) -> str:
        """What the model thought so far."""
        return "".join(self._reasoning)

    def unshown_tokens(self) -> tuple[TokenLogprob, ...]:
        """Tokens that came since this was last asked."""
        start, self._shown_token_count = self._shown_token_count, len(self._tokens)
        return tuple(self._tokens[start:])

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Calls of tools that the answer has made so far."""
        return tuple(self._tool_calls)

    @property
    def tokens(self) -> tuple[TokenLogprob, ...]:
        """Tokens of the answer so far, where the tier gives their log-probabilities."""
        return tuple(self._tokens)

    @property
    def cost_usd_micros(self) -> int:
        """What the run and the probes into its answer have cost so far.

        A run that failed before its first token costs nothing; one that was cancelled after it
        reached the model costs its input. Where the backend says itself what it cost, that holds.
        """
        return self._own_cost_usd_micros + sum(probe.cost_usd_micros for probe in self.probes)

    @property
    def _own_cost_usd_micros(self) -> int:
        if not self._is_billed:
            return 0
        told = self._told_cost_usd_micros
        return self.tier.price.cost_usd_micros(self.usage) if told is None else told

    def tell_pace(self) -> None:
        """Let the tier's pace know how fast this attempt was; one that broke off tells nothing."""
        if self.error is None and self._first_token_s is not None and self._ended_s is not None:
            first_s, latency_s = self._first_token_s - self._started_s, self._ended_s - self._started_s
            self.tier.pace.measured(first_s, latency_s, self.usage.output_token_count)

    def answer(self, prompt: Prompt) -> Answer:
        """The complete answer, for signals to look at."""
        assert self.finish_reason is not None, "the run has not completed"
        return Answer(
            prompt,
            self.text,
            self.reasoning,
            self.tokens,
            self.finish_reason,
            tool_calls=self.tool_calls,
        )

    def accept(self, reason: str) -> None:
        """Mark the answer as the one that the caller gets."""
        self.outcome = Outcome.ACCEPTED
        self.reason = reason

    def report(self) -> AttemptReport:
        """The account as it stands."""
        ended_s = self._clock() if self._ended_s is None else self._ended_s
        first_s = self._first_token_s
        return AttemptReport(
            number=self.number,
            tier=self.tier.name,
            outcome=self.outcome if self.is_answered or self.was_aborted else Outcome.FAILED,
            reason=self.reason,
            confidence=self.assessment.confidence,
            signals=self.assessment.signals,
            usage=self.usage if self._is_billed else Usage(),
            cost_usd_micros=self.cost_usd_micros,
            latency_s=ended_s - self._started_s,
            time_to_first_token_s=None if first_s is None else first_s - self._started_s,
            probes=tuple(self.probes),
        )
