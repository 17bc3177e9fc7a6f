"""A policy that is being edited, held against recorded traffic as ``upshift simulate`` does.

Decides how much traffic is looked at: the newest requests, on a thread. Refuses to judge; the simulation says
itself where the log cannot tell.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from policies.artefact import ArtefactError
from policies.guarantee.certificate_file import CertificateError
from router.config.model import Config
from router.config.problems import ConfigError
from router.journal import JournalError, Record
from router.simulate import Simulation, SimulationError
from router.ui.sources import Sources


class NotSimulated(Exception):
    """There can be no simulation; the message says why."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was found, and the number of requests that were looked at, of ``limit`` at most."""

    simulation: Simulation
    limit: int


async def simulated(sources: Sources, content: str, policy: str, against: str | None) -> Simulated:
    """Simulate the policy called ``policy`` in ``content``; ``against`` None: the one that served most.

    Raises NotSimulated.
    """
    if not sources.history.exists:
        raise NotSimulated("no journal is kept, so there is no traffic to simulate on: set journal.path")
    try:
        written = await asyncio.to_thread(sources.reloader.parsed, content)
    except ConfigError as exc:
        raise NotSimulated(f"mend the configuration first: {exc.problems[0].message}") from exc
    old = sources.config
    try:
        found = await sources.history.reckon(
            lambda records: _found(records, old, written.config, policy, against)
        )
    except (SimulationError, JournalError, ArtefactError, CertificateError, OSError) as exc:
        raise NotSimulated(str(exc)) from exc
    return Simulated(found, sources.history.count)


def _found(
    records: tuple[Record, ...], old: Config, new: Config, policy: str, against: str | None
) -> Simulation:
    from router.simulate.from_log import simulate_journal
    from router.simulate.logged import traffic_of
    from router.simulate.proposal import draw_shares, existing, proposal_of

    traffic = traffic_of(records, against)
    return simulate_journal(
        traffic, proposal_of(new, existing(new, policy)), draw_shares(old, traffic.policy), None
    )
