"""Judges cores, memory and its bandwidth: what a model that computes here can count on."""

from __future__ import annotations

from router.doctor.finding import Finding, State
from router.doctor.machine import Machine

_GIB = 2**30
# A 4-bit model of 0.6 billion weights with its output head in 8 bits, and the room to answer with it.
_SMALL_MODEL_BYTE_COUNT = 413e6
_LEAST_MEMORY = 2 * _GIB
# Below this the small model writes 12 tokens a second at best.
_LEAST_BANDWIDTH = 5e9


def cores(machine: Machine) -> Finding:
    """How many cores there are, and how many may be used."""
    seen = f"{machine.processor}: {_count(machine.core_count, 'physical core')}"
    if machine.usable_count < machine.logical_count:
        seen += f", {machine.usable_count} of {machine.logical_count} hardware threads allowed"
    if machine.quota is not None and machine.quota < machine.core_count:
        threads = max(1, int(machine.quota))
        return Finding(
            "cores",
            State.SLOW,
            f"{seen}, but the control group gives the time of {machine.quota:g}",
            f"raise the container's CPU limit, or set thread_count: {threads} in the tier's options; "
            "threads that wait for one that is held up lose more than they add",
        )
    return Finding("cores", State.OK, seen)


def load(machine: Machine) -> Finding:
    """Whether others use the cores."""
    seen = f"{machine.load:.1f} of {_count(machine.usable_count, 'hardware thread')} busy on average"
    if machine.load <= 0.5 * machine.usable_count:
        return Finding("load", State.OK, seen)
    advice = "stop what else computes here: a model's threads wait for the slowest of them at every layer"
    return Finding("load", State.SLOW, seen, advice)


def memory(machine: Machine) -> Finding:
    """Whether a small model fits."""
    if machine.memory_byte_count is None or machine.available_byte_count is None:
        return Finding("memory", State.OK, "not known on this system")
    seen = f"{_gib(machine.available_byte_count)} of {_gib(machine.memory_byte_count)} free"
    room = machine.available_byte_count
    if machine.memory_limit is not None and machine.memory_limit < machine.memory_byte_count:
        seen += f", the control group allows {_gib(machine.memory_limit)}"
        room = min(room, machine.memory_limit)
    if room >= _LEAST_MEMORY:
        return Finding("memory", State.OK, seen)
    return Finding(
        "memory", State.SLOW, seen, "free some: a model that is swapped out writes nothing for minutes"
    )


def bandwidth(byte_rate: float, thread_count: int) -> Finding:
    """What the memory's speed allows; ``byte_rate`` in bytes a second, read by ``thread_count`` threads."""
    best = byte_rate / _SMALL_MODEL_BYTE_COUNT
    seen = (
        f"{byte_rate / 1e9:.1f} GB/s read by {_count(thread_count, 'thread')}: "
        f"at most {best:.0f} tokens/s for one answer of a 0.6B model in 4 bits"
    )
    if byte_rate >= _LEAST_BANDWIDTH:
        return Finding("memory bandwidth", State.OK, seen)
    advice = "take a smaller model or fewer bits, or a machine whose memory others do not use"
    return Finding("memory bandwidth", State.SLOW, seen, advice)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _gib(byte_count: int) -> str:
    return f"{byte_count / _GIB:.1f} GiB"
