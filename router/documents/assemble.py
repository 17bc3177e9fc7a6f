"""The one place where a document pipeline is put together, from settings and, where there are any, tiers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import metadata, resources

from router.documents.asker import Asker
from router.documents.engines.base import Engine
from router.documents.engines.local import LocalEngine
from router.documents.engines.parser import ParserEngine
from router.documents.engines.profiles import LOCAL_ENGINES
from router.documents.engines.tier import TierEngine
from router.documents.limits import Limits
from router.documents.pipeline import Means, Pipeline
from router.documents.route.routes import ElementRoute, Routes, usual_routes
from router.documents.steps import NoSteps, Steps
from router.documents.verify.confidence import shipped
from router.documents.verify.registry import Verifiers
from router.documents.workers import Workers
from router.tiers import TierStatus

CPU_USD_PER_HOUR = 0.04
"""What an hour of one core costs at a large provider, on demand; prices of engines follow from it."""

_LIBRARIES = (
    "liteparse",
    "pypdfium2",
    "python-docx",
    "markdown-it-py",
    "selectolax",
    "rapid-table",
    "rapidocr",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How documents are processed. ``routes`` come before the usual ones."""

    limits: Limits = field(default_factory=Limits)
    worker_count: int = 2
    page_window: int = 4
    cpu_usd_per_hour: float = CPU_USD_PER_HOUR
    routes: tuple[ElementRoute, ...] = ()


@asynccontextmanager
async def open_pipeline(
    settings: Settings | None = None,
    *,
    steps: Steps | None = None,
    asker: Asker | None = None,
) -> AsyncIterator[Pipeline]:
    """Give a pipeline; its processes end with the context. ``asker`` None: there are no model tiers."""
    settings = settings or Settings()
    memory = settings.limits.memory_bytes
    async with (
        Workers(settings.worker_count, memory) as splitters,
        Workers(settings.worker_count, memory) as readers,
    ):
        statuses = () if asker is None else asker.tiers()
        tiers = [TierEngine(status, asker, readers) for status in statuses if asker is not None]
        engines, missing = _engines(settings, readers, tiers)
        vision = tuple(status.name for status in statuses if status.images)
        routes = (*settings.routes, *usual_routes(engines.keys(), vision))
        yield Pipeline(
            Means(
                engines=engines,
                routes=Routes(routes),
                verifiers=Verifiers(),
                confidence=shipped(),
                splitters=splitters,
                limits=settings.limits,
                steps=steps or NoSteps(),
                page_window=settings.page_window,
                missing=missing,
                fingerprint=fingerprint(settings, statuses),
            )
        )


def _engines(
    settings: Settings, readers: Workers, tiers: Sequence[Engine]
) -> tuple[Mapping[str, Engine], tuple[str, ...]]:
    """Engines that can run, by name, and what the others miss."""
    rate = settings.cpu_usd_per_hour
    local: list[Engine] = [LocalEngine(profile, readers, rate) for profile in LOCAL_ENGINES]
    engines: dict[str, Engine] = {}
    missing = []
    for engine in (ParserEngine(rate), *local, *tiers):
        remedy = engine.missing()
        if remedy is None:
            engines[engine.name] = engine
        else:
            missing.append(remedy)
    return engines, tuple(missing)


def fingerprint(settings: Settings, statuses: Sequence[TierStatus]) -> str:
    """What readings and their cost depend on beside routes: libraries, curves, rates, models and prices."""
    versions = ",".join(f"{name}={_version(name)}" for name in _LIBRARIES)
    weights = resources.files("router.documents.verify").joinpath("weights.json").read_bytes()
    tiers = ",".join(
        f"{one.name}={one.model}:{one.images}:{one.input_price_usd_micros_per_million}"
        f":{one.output_price_usd_micros_per_million}"
        for one in statuses
    )
    curves = hashlib.sha256(weights).hexdigest()[:16]
    return f"{versions};{curves};{settings.cpu_usd_per_hour};{tiers}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"
