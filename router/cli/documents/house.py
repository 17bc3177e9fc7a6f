"""Opens what documents are read with: a pipeline, and the tiers of a configuration where one is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from router.build import build
from router.cli.documents.wish import Wish
from router.config import Config, JournalConfig, load
from router.documents.asker import Asker
from router.documents.assemble import Settings, open_pipeline
from router.documents.configured import settings_of, steps_of
from router.documents.pipeline import Pipeline
from router.documents.steps import NoSteps, SqliteSteps, Steps


@asynccontextmanager
async def opened(wish: Wish) -> AsyncIterator[tuple[Pipeline, Asker | None]]:
    """Give a pipeline, and what asks the tiers where there are any; everything ends with the context."""
    config = None if wish.config is None else load(wish.config)
    settings = _settings(wish, config)
    steps = _steps(wish, config)
    try:
        if config is None:
            async with open_pipeline(settings, steps=steps) as pipeline:
                yield pipeline, None
            return
        # The server is the one writer of its journal; what is asked here is not in it.
        router = build(config.model_copy(update={"journal": JournalConfig()}))
        try:
            await router.start()
            async with open_pipeline(settings, steps=steps, asker=router) as pipeline:
                yield pipeline, router
        finally:
            await router.close()
    finally:
        steps.close()


def _settings(wish: Wish, config: Config | None) -> Settings:
    settings = Settings() if config is None else settings_of(config.documents)
    if wish.max_pages is not None:
        settings = replace(settings, limits=replace(settings.limits, pages=wish.max_pages))
    return settings if wish.worker_count is None else replace(settings, worker_count=wish.worker_count)


def _steps(wish: Wish, config: Config | None) -> Steps:
    if wish.journal is not None:
        return SqliteSteps(wish.journal)
    return NoSteps() if config is None else steps_of(config.documents)
