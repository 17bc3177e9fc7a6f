"""``upshift simulate``: what another policy would have cost and lost on recorded traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from router.cli import parameters as given
from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from router.simulate import Simulation
    from router.simulate.logged import Traffic
    from router.simulate.proposal import Proposal

EPILOG = """
**Examples**

`upshift simulate --policy new.yaml --outcomes graded.jsonl.gz -c upshift.yaml --plot out.png` replays the
configuration's first policy and the new one on answers of every tier: exact, with bootstrap intervals.

`upshift simulate --policy new.yaml --journal upshift.sqlite -c upshift.yaml` estimates from what was logged:
attempts, audits with their propensity, scores. Where the log cannot tell, it says what is missing and
ends with code 1.

**new.yaml** is one policy, as it stands under `policies:`

`ladder: [edge, frontier]`

`objective: {rule: threshold, min_confidence: 0.8}`

or a whole configuration, whose first policy is meant.

**Estimates**: direct (the model alone), inverse_propensity and self_normalised (what was observed, by how
likely that was), doubly_robust (both; the one to read).
"""

PolicyFile = Annotated[
    Path,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The new policy, as YAML; or, with --config, `always-TIER` or `random-mix`.",
    ),
]
JournalFile = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Estimate from a server's journal.")
]
OutcomesFile = Annotated[
    list[Path] | None,
    typer.Option("--outcomes", metavar="FILE", help="Replay graded answers of all tiers; repeatable."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="The tiers, and the old policy.")
]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="NAME", help="The old policy; default: the first, or the log's own."),
]
MeasureName = Annotated[
    Literal["loss", "quality"] | None,
    typer.Option(
        "--measure",
        help="Of a journal: loss against the top tier, by audits, or quality, by scores.",
    ),
]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw old against new.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Draws the resamples.")]


def simulate(
    policy: PolicyFile,
    journal: JournalFile = None,
    outcomes: OutcomesFile = None,
    config: ConfigFile = None,
    against: Against = None,
    measure: MeasureName = None,
    plot: Plot = None,
    seed: Seed = 0,
    json: given.Json = False,
) -> None:
    """Say what another policy would have cost and lost on recorded traffic, or why that cannot be said."""
    from policies.guarantee.certificate_file import CertificateError
    from router.simulate import SimulationError
    from router.simulate.logged import read_traffic

    if (journal is None) == (not outcomes):
        raise Fault("give --journal or --outcomes, and not both", code=ExitCode.WRONG, reason="USAGE")
    try:
        new, old = _proposals(policy, config, against if outcomes else None)
        if outcomes:
            found = _replayed(outcomes, old, new, seed)
        else:
            assert journal is not None
            found = _estimated(read_traffic(journal, against), old, new, measure)
        if plot is not None:
            from router.simulate.plot import draw

            draw(found, plot)
    except (SimulationError, CertificateError) as exc:
        raise Fault(str(exc), code=ExitCode.WRONG, reason="SIMULATION_INVALID") from exc
    _print(found, as_json=json)
    if found.refusals:
        raise typer.Exit(ExitCode.FAILED)


def _proposals(policy: Path, config: Path | None, against: str | None) -> tuple[Proposal, Proposal]:
    """The new policy and the old one, each in its own configuration."""
    from router.config import load
    from router.simulate.proposal import baseline, existing, proposal_of, read_proposal

    known = None if config is None else load(config, allow_unset_env=True)
    named = None if known is None or policy.exists() else baseline(str(policy), known)
    if known is not None and named is not None:
        new = proposal_of(known, named)
    else:
        new = proposal_of(*read_proposal(policy, config))
    current = known or new.config
    return new, proposal_of(current, existing(current, against))


def _replayed(outcomes: list[Path], old: Proposal, new: Proposal, seed: int) -> Simulation:
    from policies.derive import with_text_signals
    from router.outcomes import load_outcomes
    from router.simulate.replayed import simulate_outcomes

    records = with_text_signals([record for file in outcomes for record in load_outcomes(file)])
    return simulate_outcomes(records, old, new, seed)


def _estimated(traffic: Traffic, old: Proposal, new: Proposal, measure: str | None) -> Simulation:
    from router.simulate.from_log import simulate_journal
    from router.simulate.proposal import draw_shares
    from router.simulate.result import Measure

    drawn = draw_shares(old.config, traffic.policy)
    return simulate_journal(traffic, new, drawn, Measure(measure) if measure else None)


def _print(found: Simulation, *, as_json: bool) -> None:
    if as_json:
        from json import dumps

        print(dumps(found.to_json(), allow_nan=False, ensure_ascii=False))
        return
    from router.cli.screen import screen
    from router.cli.simulated import notes_of, tables_of

    console = screen()
    for table in tables_of(found):
        console.print(table)
    for note in notes_of(found):
        console.print(note, markup=False, soft_wrap=True)
