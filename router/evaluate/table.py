"""An evaluation as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from policies.bootstrap import Figure
from router.evaluate.evaluation import Evaluation, MatchFigures


def tables_of(evaluation: Evaluation) -> Iterator[Table]:
    """Policies side by side, what tells right answers, and what could be certified."""
    yield _policies(evaluation)
    yield _tiers(evaluation)
    if evaluation.escalation:
        yield _escalation(evaluation)
    if evaluation.certified:
        yield _certified(evaluation)


def notes_of(evaluation: Evaluation) -> Iterator[str]:
    """What the tables rest on."""
    dropped = f"; {evaluation.dropped_count} lacked a tier" if evaluation.dropped_count else ""
    yield (
        f"{evaluation.record_count} records in {evaluation.group_count} groups{dropped}; fitted out of fold, "
        "intervals of 95 %"
    )
    for moment, times in evaluation.decision_time.items():
        yield f"decision {moment} the answer: p50 {times.p50_us:.0f} µs, p99 {times.p99_us:.0f} µs"


def shown(figure: Figure, digits: int = 3) -> str:
    """A value with its interval: "0.673 [0.661, 0.684]"; a dash where it cannot be measured."""
    if figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.{digits}f}"
    return f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def _policies(evaluation: Evaluation) -> Table:
    table = _table(
        "Quality against cost", "policy", "area", "over the hull", "cost to match the top", "quality then"
    )
    for tier, figures in evaluation.tiers.items():
        table.add_row(f"always {tier}", "", "", f"cost {figures.cost.value:.4g}", shown(figures.quality))
    table.add_row("hull of single tiers", shown(evaluation.hull_area), "", "", "")
    for name, found in evaluation.policies.items():
        match = found.match_top.get(0.0)
        table.add_row(name.replace("_", " "), shown(found.area), shown(found.area_over_hull), *_match(match))
    return table


def _match(match: MatchFigures | None) -> tuple[str, str]:
    if match is None or match.quality_change.value is None:
        return "", ""
    return shown(match.cost_share), shown(match.quality_change)


def _tiers(evaluation: Evaluation) -> Table:
    table = _table(
        "What tells a right answer", "tier", "moment", "AUROC right", "AUROC harm", "AURC", "ECE", "Brier"
    )
    for tier, figures in evaluation.tiers.items():
        moments = list(figures.auroc_right) or [""]
        for moment in moments:
            is_first = moment == moments[0]
            served = (figures.aurc, figures.ece, figures.brier) if is_first else ()
            table.add_row(
                tier if is_first else "",
                moment.replace("_", " "),
                shown(figures.auroc_right.get(moment, Figure(None))),
                shown(figures.auroc_harm.get(moment, Figure(None))),
                *(shown(figure) for figure in served),
            )
    return table


def _escalation(evaluation: Evaluation) -> Table:
    table = _table("Cheapest against top: share of top calls", "moment", "APGR", "CPT 50 %", "CPT 80 %")
    for moment, figures in evaluation.escalation.items():
        table.add_row(
            moment.replace("_", " "), shown(figures.apgr), shown(figures.cpt_50), shown(figures.cpt_80)
        )
    return table


def _certified(evaluation: Evaluation) -> Table:
    table = _table(
        "Certified, 95 % sure", "loss at most", "labels", "cost saved", "loss seen", "labels needed"
    )
    for row in evaluation.certified:
        saved = "nothing" if row.saving is None else f"{100 * row.saving:.1f} %"
        loss = "" if row.loss is None else f"{100 * row.loss:.2f} %"
        needed = "" if row.saving is not None else str(row.labels_needed or "more will not do")
        table.add_row(f"{100 * row.max_loss:g} %", str(row.label_count), saved, loss, needed)
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="left" if name == "moment" else "right")
    return table
