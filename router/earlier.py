"""What of a running router the next one goes on with: whatever its configuration does not change.

Decides by comparing configurations, and the files that they name. Refuses to start or stop anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from policies.certified import CertifiedOptions
from router.config.model import Config, PolicyConfig, TierConfig
from router.core import Parts
from router.plan import Route
from router.tiers import Energy, Limits, Price, Tier

Signature: TypeAlias = tuple[tuple[str, int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A router that runs, the configuration that it was built from, and how that one's files looked then."""

    config: Config
    parts: Parts
    files: Signature

    def tier(self, wanted: TierConfig, price: Price, limits: Limits, energy: Energy) -> Tier | None:
        """Return the tier that fits ``wanted``, or one around a backend that does; None: there is none."""
        had = next((tier for tier in self.config.tiers if tier.name == wanted.name), None)
        if had is None or (had.backend, had.options) != (wanted.backend, wanted.options):
            return None
        tier = next(tier for tier in self.parts.tiers if tier.name == wanted.name)
        return tier if had == wanted else tier.under(price, limits, energy)

    def route(self, wanted: PolicyConfig, config: Config) -> Route | None:
        """Return the route of ``wanted``, with what it keeps in mind; None: what it rests on has changed."""
        if wanted not in self.config.policies or not self._rests_alike(config):
            return None
        return next(route for route in self.parts.routes if route.name == wanted.name)

    def _rests_alike(self, config: Config) -> bool:
        mine = self.config
        return (
            (mine.tiers, mine.learnt, mine.difficulty, mine.confidence)
            == (config.tiers, config.learnt, config.difficulty, config.confidence)
        ) and self.files == signature_of(config)


def signature_of(config: Config) -> Signature:
    """How the files that ``config`` learns from look now; one that changes, changes its signature."""
    certificates = (
        Path(policy.objective.options.certificate)
        for policy in config.policies
        if isinstance(policy.objective.options, CertifiedOptions) and policy.objective.options.certificate
    )
    learnt = () if config.learnt is None else (config.learnt,)
    return tuple(_seen((*learnt, *certificates)))


def _seen(paths: Iterable[Path]) -> Iterable[tuple[str, int, int, int] | None]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            yield None
        else:
            yield str(path), found.st_mtime_ns, found.st_ino, found.st_size
