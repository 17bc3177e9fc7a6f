"""What is thought of cores, memory and bandwidth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.doctor import hardware
from router.doctor.finding import State
from router.doctor.machine import Machine

QUIET = Machine(
    processor="CPU",
    instructions=frozenset({"avx2", "fma"}),
    logical_count=4,
    usable_count=4,
    core_count=4,
    quota=None,
    load=0.1,
    memory_byte_count=16 * 2**30,
    available_byte_count=8 * 2**30,
    memory_limit=None,
)


def test_quiet_machine_is_well() -> None:
    """Nothing is wrong with a machine of its own."""
    found = [hardware.cores(QUIET), hardware.load(QUIET), hardware.memory(QUIET)]
    assert [(finding.state, finding.advice) for finding in found] == [(State.OK, None)] * 3


@pytest.mark.parametrize(("quota", "threads"), [(2.5, 2), (0.5, 1)])
def test_quota_below_the_cores_names_the_thread_count(quota: float, threads: int) -> None:
    """More threads than time only wait for each other."""
    found = hardware.cores(replace(QUIET, quota=quota))
    assert found.state is State.SLOW
    assert f"thread_count: {threads} " in str(found.advice)


def test_generous_quota_is_no_finding() -> None:
    """A quota of all cores takes nothing away."""
    assert hardware.cores(replace(QUIET, quota=4.0)).state is State.OK


def test_allowed_threads_are_told() -> None:
    """Pinning to a part of the machine is a choice, and said."""
    assert "2 of 4 hardware threads allowed" in hardware.cores(replace(QUIET, usable_count=2)).seen


def test_busy_machine_is_slow() -> None:
    """Others on the cores are the commonest reason for slow answers."""
    assert hardware.load(replace(QUIET, load=3.0)).state is State.SLOW


def test_limit_of_the_control_group_counts_as_memory() -> None:
    """Free memory beyond the limit is not ours."""
    assert hardware.memory(replace(QUIET, memory_limit=2**30)).state is State.SLOW


def test_unknown_memory_is_not_judged() -> None:
    """A system that does not tell is not called broken."""
    assert hardware.memory(replace(QUIET, memory_byte_count=None)).state is State.OK


@pytest.mark.parametrize(("byte_rate", "state"), [(26e9, State.OK), (2e9, State.SLOW)])
def test_bandwidth_says_how_fast_answers_can_be(byte_rate: float, state: State) -> None:
    """The number that people want is tokens a second."""
    found = hardware.bandwidth(byte_rate, 2)
    assert found.state is state
    assert f"at most {byte_rate / 413e6:.0f} tokens/s" in found.seen
