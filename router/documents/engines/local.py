"""Engines that compute on this machine, in worker processes, at a nominal rate.

Cost is reckoned from nominal seconds, not from measured ones: equal documents then cost the same on every
run, and a run that goes on after a crash gives the same bytes.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace

from router.documents.element import Element, Reading
from router.documents.engines.base import Subject
from router.documents.errors import EngineFailed, LibraryMissing
from router.documents.workers import WorkerDied, Workers

_MICROS = 1_000_000
_SECONDS_PER_HOUR = 3600.0
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a local engine.

    ``seconds_per_page`` is the CPU time of a whole page, of which an element takes the share of its area, but
    at least ``least_seconds`` (measured on two shared cores; ratios hold better than absolutes).
    ``needs`` is a module or, behind ``!``, a command; ``remedy`` says how it is installed and what it adds.
    """

    name: str
    function: str
    seconds_per_page: float
    least_seconds: float
    needs: str
    remedy: str
    reads: Callable[[Element], bool]


class LocalEngine:
    """Runs ``profile.function`` in a worker; see :class:`router.documents.engines.base.Engine`."""

    def __init__(self, profile: Profile, workers: Workers, cpu_usd_per_hour: float) -> None:
        self.profile = profile
        self._workers = workers
        self._usd_micros_per_s = cpu_usd_per_hour * _MICROS / _SECONDS_PER_HOUR

    @property
    def name(self) -> str:
        """What policies call it."""
        return self.profile.name

    def missing(self) -> str | None:
        """Say what to install, or None."""
        needs = self.profile.needs
        if needs.startswith("!"):
            is_there = shutil.which(needs[1:]) is not None
        else:
            is_there = importlib.util.find_spec(needs) is not None
        return None if is_there else self.profile.remedy

    def reads(self, subject: Subject) -> bool:
        """Whether it can read such an element: it must stand somewhere on a page."""
        has_place = subject.element.provenance.box is not None and subject.page.width is not None
        return has_place and self.profile.reads(subject.element)

    def seconds(self, subject: Subject) -> float:
        """Nominal CPU seconds."""
        share = 1.0
        box, page = subject.element.provenance.box, subject.page
        if box is not None and page.width and page.height:
            share = min(box.area / (page.width * page.height), 1.0)
        return max(self.profile.seconds_per_page * share, self.profile.least_seconds)

    def cost_usd_micros(self, subject: Subject) -> float:
        """Cost of the nominal seconds."""
        return round(self.seconds(subject) * self._usd_micros_per_s, 6)

    async def read(self, subject: Subject) -> Reading:
        """Read it in a worker. Raises EngineFailed."""
        timeout_s = min(subject.timeout_s or _TIMEOUT_S, _TIMEOUT_S)
        slim = replace(subject, page=replace(subject.page, elements=(), source_text=""))
        try:
            reading: Reading = await self._workers.call(self.profile.function, slim, silence_s=timeout_s)
        except (WorkerDied, LibraryMissing, OSError, ValueError) as exc:
            raise EngineFailed(f"{self.name}: {exc}") from exc
        return replace(reading, engine=self.name, cost_usd_micros=self.cost_usd_micros(subject))
