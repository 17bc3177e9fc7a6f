"""What is read of the machine, from trees of files as Linux has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.doctor.machine import Machine, machine


def _machine(root: Path, **files: str) -> Machine:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return machine(root)


def test_processor_and_memory(tmp_path: Path) -> None:
    """The first processor speaks for all; memory is in bytes."""
    here = _machine(
        tmp_path,
        proc__cpuinfo="model name\t: Old CPU\nflags\t\t: fpu avx2\n\nmodel name\t: Other\n",
        proc__meminfo="MemTotal:  2048 kB\nMemAvailable: 1024 kB\n",
    )
    assert here.processor == "Old CPU"
    assert here.instructions == {"fpu", "avx2"}
    assert (here.memory_byte_count, here.available_byte_count) == (2 * 2**20, 2**20)


def test_unknown_system_is_no_error(tmp_path: Path) -> None:
    """Where nothing can be read nothing is claimed."""
    here = machine(tmp_path)
    assert here.core_count >= 1
    assert (here.quota, here.memory_limit, here.memory_byte_count) == (None, None, None)
    assert here.instructions == frozenset()


@pytest.mark.parametrize(
    ("said", "quota"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("50000 100000", 0.5)]
)
def test_quota_of_the_second_interface(tmp_path: Path, said: str, quota: float | None) -> None:
    """cpu.max holds time and period."""
    here = _machine(tmp_path, proc__self__cgroup="0::/a/b\n", sys__fs__cgroup__a__b__cpu_DOT_max=said)
    assert here.quota == quota


def test_quota_of_an_outer_group_holds_too(tmp_path: Path) -> None:
    """The tightest of all groups around the process decides."""
    here = _machine(
        tmp_path,
        proc__self__cgroup="0::/a/b\n",
        sys__fs__cgroup__a__b__cpu_DOT_max="400000 100000",
        sys__fs__cgroup__a__cpu_DOT_max="200000 100000",
    )
    assert here.quota == 2.0


def test_limits_of_the_first_interface(tmp_path: Path) -> None:
    """Each controller has a tree of its own; -1, and a number near 2**63, mean no limit."""
    here = _machine(
        tmp_path,
        proc__self__cgroup="4:memory:/box\n1:cpu,cpuacct:/box\n",
        sys__fs__cgroup__cpu__box__cpu_DOT_cfs_quota_us="-1\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_quota_us="300000\n",
        sys__fs__cgroup__cpu__cpu_DOT_cfs_period_us="100000\n",
        sys__fs__cgroup__memory__box__memory_DOT_limit_in_bytes="1000000\n",
        sys__fs__cgroup__memory__memory_DOT_limit_in_bytes="9223372036854771712\n",
    )
    assert (here.quota, here.memory_limit) == (3.0, 1_000_000)
