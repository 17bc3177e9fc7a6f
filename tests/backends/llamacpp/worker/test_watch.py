"""When a worker is taken for dead, tick by tick."""

from __future__ import annotations

from backends.llamacpp.worker.messages import Pulse
from backends.llamacpp.worker.watch import Patience, Watch

PATIENCE = Patience(tick_s=1.0, start_limit_s=6.0, silence_limit_s=2.0, step_limit_s=4.0, load_limit_s=5.0)


def ticks(watch: Watch, count: int) -> list[str]:
    return [verdict for _ in range(count) if (verdict := watch.tick())]


def test_a_worker_may_take_its_time_to_start() -> None:
    """Before its first sign of life another limit holds."""
    watch = Watch(PATIENCE)
    assert ticks(watch, 6) == []
    assert "no sign of life for 6 s" in ticks(watch, 1)[0]


def test_silence_is_death() -> None:
    """Who has lived and gives no sign any more is dead."""
    watch = Watch(PATIENCE)
    watch.hear(Pulse(0, busy=False))
    assert ticks(watch, 2) == []
    assert "no sign of life for 2 s" in ticks(watch, 1)[0]


def test_idleness_is_not() -> None:
    """A worker without work makes no steps, and is fine."""
    watch = Watch(PATIENCE)
    for _ in range(50):
        watch.hear(Pulse(3, busy=False))
        assert watch.tick() is None


def test_work_without_a_step_is_death() -> None:
    """An engine thread that hangs is seen though the reader thread answers."""
    watch = Watch(PATIENCE)
    verdicts = []
    for _ in range(6):
        watch.hear(Pulse(3, busy=True))
        verdicts += ticks(watch, 1)
    assert "made no step for 4 s" in verdicts[0]


def test_steps_are_life() -> None:
    """Who is busy and comes on lives."""
    watch = Watch(PATIENCE)
    for step in range(50):
        watch.hear(Pulse(step, busy=True))
        assert watch.tick() is None


def test_work_after_a_long_rest_is_not_held_against_it() -> None:
    """The time of a step counts from when the work came, not from the last step."""
    watch = Watch(PATIENCE)
    for _ in range(20):
        watch.hear(Pulse(3, busy=False))
        watch.tick()
    watch.hear(Pulse(3, busy=True))
    assert watch.tick() is None


def test_a_load_has_a_limit_of_its_own() -> None:
    """A file that keeps its loader busy for ever is given up."""
    watch = Watch(PATIENCE)
    watch.opening("m")
    verdicts = []
    for step in range(6):
        watch.hear(Pulse(step, busy=False))
        verdicts += ticks(watch, 1)
    assert "did not load m within 5 s" in verdicts[0]


def test_an_ended_load_is_forgotten() -> None:
    """After it the limit holds no more."""
    watch = Watch(PATIENCE)
    watch.opening("m")
    watch.opened("m")
    assert watch.loading is None
