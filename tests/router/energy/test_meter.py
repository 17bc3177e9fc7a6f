"""Energy by the machine's meters, shared among what runs at a time."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.energy.account import total
from router.energy.meter import Meter
from router.energy.nvml import NvmlCounter
from router.energy.power import Power
from router.energy.rapl import rapl_counters
from router.events import EnergySource, EnergyUse


@dataclass
class World:
    """A clock, and meters that a test moves."""

    now_s: float = 0.0
    total_j: float = 0.0
    watts: float | None = 0.0
    is_broken: bool = False

    def joules(self) -> float:
        if self.is_broken:
            raise OSError("gone")
        return self.total_j

    def pass_by(self, seconds: float, watts: float) -> None:
        self.watts = watts
        self.now_s += seconds
        self.total_j += seconds * watts


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def meter(world: World) -> Meter:
    return Meter(lambda: world.watts, lambda: world.now_s)


def test_an_attempt_alone_gets_all(world: World, meter: Meter) -> None:
    """And what is spent while none runs is nobody's."""
    world.pass_by(1.0, 100.0)
    began = meter.began()
    world.pass_by(2.0, 7.0)
    assert meter.ended(began) == pytest.approx(14.0)


def test_attempts_at_a_time_share_alike(world: World, meter: Meter) -> None:
    """By the time that they overlap."""
    first = meter.began()
    world.pass_by(1.0, 4.0)
    second = meter.began()
    world.pass_by(1.0, 6.0)
    assert meter.ended(first) == pytest.approx(7.0)
    world.pass_by(1.0, 5.0)
    assert meter.ended(second) == pytest.approx(8.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 10.0), st.floats(0.0, 50.0)), max_size=40))
def test_no_energy_is_made_or_lost(steps: list[tuple[bool, float, float]]) -> None:
    """Shares add up to what was drawn while anything ran."""
    world = World()
    meter = Meter(lambda: world.watts, lambda: world.now_s)
    running: list[float] = []
    given_j = drawn_j = 0.0
    for begins, seconds, watts in steps:
        if begins:
            running.append(meter.began())
        elif running:
            given_j += meter.ended(running.pop(0)) or 0.0
        world.pass_by(seconds, watts)
        drawn_j += seconds * watts if running else 0.0
    given_j += sum(meter.ended(began) or 0.0 for began in running)
    assert given_j == pytest.approx(drawn_j)


def test_nobody_knows_what_nobody_measured(world: World, meter: Meter) -> None:
    """Before the first reading, and when the meters break."""
    began = meter.began()
    world.pass_by(1.0, 5.0)
    world.watts = None
    assert meter.ended(began) is None


def test_power_is_wanted_while_anything_runs_and_a_little_longer(world: World, meter: Meter) -> None:
    """An idle server does not read meters that nobody asks for."""
    world.pass_by(60.0, 0.0)
    assert not meter.is_wanted()
    began = meter.began()
    world.pass_by(60.0, 0.0)
    assert meter.is_wanted()
    meter.ended(began)
    assert meter.is_wanted()
    world.pass_by(60.0, 0.0)
    assert not meter.is_wanted()


def test_power_is_what_the_counters_gained(world: World) -> None:
    """Over the time between two readings; the first one alone says nothing."""
    power = Power([world, world], lambda: world.now_s)
    power.read()
    assert power.watts is None
    world.pass_by(0.1, 30.0)
    power.read()
    assert power.watts == pytest.approx(60.0)


def test_a_pause_says_nothing_of_the_moment(world: World) -> None:
    """What was known before stands until the reading after."""
    power = Power([world], lambda: world.now_s)
    for seconds, watts in ((0.1, 30.0), (0.1, 30.0), (60.0, 1.0)):
        world.pass_by(seconds, watts)
        power.read()
    assert power.watts == pytest.approx(30.0)
    world.pass_by(0.1, 50.0)
    power.read()
    assert power.watts == pytest.approx(50.0)


def test_meters_that_break_are_not_guessed(world: World) -> None:
    """Until they answer again."""
    power = Power([world], lambda: world.now_s)
    power.read()
    world.pass_by(0.1, 30.0)
    world.is_broken = True
    power.read()
    assert power.watts is None


async def test_the_thread_reads_and_ends(world: World) -> None:
    """It reads by itself, and is gone when it is left."""
    read = threading.Event()

    class Noting:
        def joules(self) -> float:
            read.set()
            return 0.0

    async with Power([Noting()]) as power:
        assert await asyncio.to_thread(read.wait, 10.0)
    assert not power._thread.is_alive()


def zone(root: Path, number: str, name: str, energy_uj: int) -> Path:
    folder = root / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text("999999\n")
    return folder


def test_rapl_counts_packages_and_memory_once(tmp_path: Path) -> None:
    """Cores are a part of their package."""
    package = zone(tmp_path, "0", "package-0", 500_000)
    zone(tmp_path, "0:0", "core", 400_000)
    zone(tmp_path, "0:1", "dram", 100_000)
    counters = rapl_counters(tmp_path)
    assert len(counters) == 2
    (package / "energy_uj").write_text("700000\n")
    assert sum(counter.joules() for counter in counters) == pytest.approx(0.2)


def test_rapl_starts_again_from_zero(tmp_path: Path) -> None:
    """Its counters have few bits."""
    package = zone(tmp_path, "0", "package-0", 900_000)
    (counter,) = rapl_counters(tmp_path)
    (package / "energy_uj").write_text("100000\n")
    assert counter.joules() == pytest.approx(0.2)


def test_a_platform_counter_stands_for_all(tmp_path: Path) -> None:
    """It contains the packages."""
    zone(tmp_path, "0", "package-0", 1)
    zone(tmp_path, "1", "psys", 1)
    assert len(rapl_counters(tmp_path)) == 1


def test_a_machine_without_rapl_has_no_counters(tmp_path: Path) -> None:
    """Nor one whose counters cannot be read."""
    assert rapl_counters(tmp_path / "gone") == []
    (zone(tmp_path, "0", "package-0", 1) / "energy_uj").write_text("not a number")
    assert rapl_counters(tmp_path) == []


class _Nvml:
    """NVML as far as it is used."""

    class NVMLError(Exception):
        """A driver's error."""

    def __init__(self, millijoules: int | None) -> None:
        self.millijoules = millijoules

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: object) -> int:  # noqa: N802
        if self.millijoules is None:
            raise self.NVMLError("lost")
        return self.millijoules


def test_nvml_tells_millijoules() -> None:
    """A GPU that is lost is an error of the system."""
    library = _Nvml(2_500)
    counter = NvmlCounter(library, object())
    assert counter.joules() == 2.5
    library.millijoules = None
    with pytest.raises(OSError, match="NVML"):
        counter.joules()


def test_the_sum_says_where_it_comes_from() -> None:
    """What nobody knows is not in it."""
    measured, modelled = (EnergyUse(1.0, source, 0.5) for source in list(EnergySource)[:2])
    assert total([None, measured]) == measured
    assert total([measured, modelled, None]) == EnergyUse(2.0, EnergySource.MIXED, 1.0)
    assert total([None]) is None
