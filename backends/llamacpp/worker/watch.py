"""Judges from a worker's signs of life whether it still works.

Counts ticks and reads no clock: when this process was stopped itself, as by a suspended machine, no
time has passed for it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from backends.llamacpp.worker.messages import Pulse


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may be silent, and why, before it is taken for dead.

    ``tick_s`` is the time between two looks. ``start_limit_s`` holds until its first sign of life,
    ``silence_limit_s`` from then on, ``step_limit_s`` for one step of the engine thread (minutes: a large
    model reads a chunk of a prompt in one), ``load_limit_s`` for loading one model.
    """

    tick_s: float = 5.0
    start_limit_s: float = 120.0
    silence_limit_s: float = 15.0
    step_limit_s: float = 180.0
    load_limit_s: float = 900.0


class Watch:
    """Hears one worker from its start to its end."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._silent_tick_count = 0
        self._same_step_tick_count = 0
        self._load_tick_count = 0
        self._pulse: Pulse | None = None
        self.loading: str | None = None

    @property
    def has_heard(self) -> bool:
        """Whether it has ever given a sign of life."""
        return self._pulse is not None

    def hear(self, pulse: Pulse) -> None:
        """Take a sign of life."""
        self._silent_tick_count = 0
        if self._pulse is None or not pulse.busy or pulse.step_count != self._pulse.step_count:
            self._same_step_tick_count = 0
        self._pulse = pulse

    def opening(self, model: str) -> None:
        """Note that it begins to load ``model``; one at a time."""
        self.loading = model
        self._load_tick_count = 0

    def opened(self, model: str) -> None:
        """Note that ``model`` is loaded, or is not going to be."""
        if self.loading == model:
            self.loading = None

    def tick(self) -> str | None:
        """Note that ``tick_s`` seconds have passed; return what is wrong, or None."""
        patience = self._patience
        self._silent_tick_count += 1
        self._same_step_tick_count += 1
        self._load_tick_count += 1
        silence_limit_s = patience.silence_limit_s if self.has_heard else patience.start_limit_s
        if self._silent_tick_count * patience.tick_s > silence_limit_s:
            return f"gave no sign of life for {silence_limit_s:g} s"
        if self._same_step_tick_count * patience.tick_s > patience.step_limit_s and self._is_busy:
            return f"made no step for {patience.step_limit_s:g} s"
        if self.loading is not None and self._load_tick_count * patience.tick_s > patience.load_limit_s:
            return f"did not load {self.loading} within {patience.load_limit_s:g} s"
        return None

    @property
    def _is_busy(self) -> bool:
        return self._pulse is not None and self._pulse.busy
