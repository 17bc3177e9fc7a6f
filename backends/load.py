"""How busy a model on this machine is, and what a request may expect of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a request may expect, in seconds, as of now.

    ``first_token_s`` runs from asking to the first token, waiting for a turn included, ``token_s`` from
    one token to the next.
    """

    first_token_s: float
    token_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a model on this machine is. Token counts are totals since it was opened.

    ``unread_token_count`` are tokens of prompts that run or wait and are not read yet; a pass reads at most
    ``pass_token_count`` of them. Measured of late, None until it is: ``pass_s`` is what a pass takes, the
    tokens of the answers between two passes included, ``read_s`` what each token of a prompt adds to it,
    ``token_s`` the time from one token to the next for an answer that joins now, ``answer_s`` that of a
    whole answer where all slots are taken. ``hit_rate`` is the share of experts, of 1, that were at hand when
    they were needed; None: all always are.
    """

    running_count: int
    waiting_count: int
    slot_count: int
    read_token_count: int = 0
    cached_token_count: int = 0
    written_token_count: int = 0
    drafted_token_count: int = 0
    accepted_token_count: int = 0
    preemption_count: int = 0
    unread_token_count: int = 0
    pass_token_count: int = 1
    pass_s: float | None = None
    read_s: float | None = None
    token_s: float | None = None
    answer_s: float | None = None
    hit_rate: float | None = None

    @property
    def free_slot_count(self) -> int:
        """Requests that would not have to wait for a turn."""
        return max(0, self.slot_count - self.running_count - self.waiting_count)

    def expect(self, input_token_count: int, ahead_count: int = 0) -> Expectation | None:
        """What a prompt of ``input_token_count`` tokens may expect; None: nothing is measured yet.

        ``ahead_count`` others wait elsewhere and come first. Of the prompt nothing is taken to be known.
        """
        if self.pass_s is None or self.read_s is None or self.token_s is None:
            return None
        # Slots come free one after the other, as many in the time of an answer as there are.
        turns = max(0, self.running_count + self.waiting_count + ahead_count + 1 - self.slot_count)
        wait_s = turns / self.slot_count * (self.answer_s or 0.0)
        token_count = self.unread_token_count + input_token_count
        pass_count = -(-token_count // self.pass_token_count)
        return Expectation(wait_s + pass_count * self.pass_s + token_count * self.read_s, self.token_s)
