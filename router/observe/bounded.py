"""Series with labels whose values cannot grow without bound, however often names change.

Decides that beyond a limit all further label values count as ``other``. It also finds a series again quicker
than the library's own look-up, which checks and converts the values every time.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

MAX_SERIES_COUNT = 1_000
OTHER = "other"


class Labelled(Protocol):
    """A metric of `prometheus_client` with labels."""

    def labels(self, *values: str) -> Any:
        """Return the series of these values."""
        ...


M = TypeVar("M", bound=Labelled)


class Bounded(Generic[M]):
    """The series of ``metric``, at most ``limit`` and one for all others."""

    def __init__(self, metric: M, limit: int = MAX_SERIES_COUNT) -> None:
        self._metric = metric
        self._limit = limit
        self._series: dict[tuple[str, ...], Any] = {}

    def of(self, *values: str) -> Any:
        """Return the series of these label values, made at 0 where it is new."""
        series = self._series.get(values)
        if series is None:
            if len(self._series) >= self._limit:
                values = (OTHER,) * len(values)
            series = self._series[values] = self._metric.labels(*values)
        return series
