"""``upshift calibrate``: learns from graded answers, and certifies what can be proven of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from router.cli import parameters as given
from router.cli.embedding import Embed, embedded
from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from policies.guarantee.certificate import Certificate
    from policies.learnt import Learnt
    from policies.outcomes import OutcomeRecord
    from router.certificates.issue import Issued, Target
    from router.config import Config, PolicyConfig

EPILOG = """
**Examples**

`upshift calibrate -c upshift.yaml --outcomes graded.jsonl.gz` learns, and writes what `learnt:` names.

`upshift calibrate -c upshift.yaml --outcomes graded.jsonl.gz --max-loss 0.02` also certifies that no more
than 2 % of quality is lost against always the top tier, with 95 % confidence, or says what is missing.

The records must be a random sample of the traffic that is served, with an answer of every tier graded.
"""

Outcomes = Annotated[
    list[Path], typer.Option("--outcomes", metavar="FILE", help="Graded answers, or a journal; repeatable.")
]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")]
MaxLoss = Annotated[
    float | None,
    typer.Option("--max-loss", min=0.0001, max=0.5, help="Certify that no more quality than this is lost."),
]
Confidence = Annotated[float, typer.Option("--confidence", min=0.5, max=0.9999, help="How surely.")]
TestName = Annotated[
    Literal["net", "harm", "graded"] | None,
    typer.Option(
        "--test",
        help="net: harm less gain; harm: harm alone; graded: net, any grades. Default: by the grades.",
    ),
]
ByTask = Annotated[
    bool, typer.Option("--by-task", help="Certify each task by itself; requests carry it as a tag.")
]
ValidDays = Annotated[
    float, typer.Option("--valid-days", min=0.01, max=3650.0, help="How long a certificate holds.")
]
Grader = Annotated[str, typer.Option("--grader", metavar="NAME", help="Who graded, for the record.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="What was learnt; default: `learnt:`.")
]
CertificateFile = Annotated[
    Path | None,
    typer.Option("--certificate", metavar="FILE", help="Certificates; default: what the policy names."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Draws the folds of cross-fitting.")]


def calibrate(
    outcomes: Outcomes,
    config: ConfigFile = Path("upshift.yaml"),
    max_loss: MaxLoss = None,
    confidence: Confidence = 0.95,
    policy: given.PolicyName = None,
    test: TestName = None,
    by_task: ByTask = False,
    valid_days: ValidDays = 30.0,
    grader: Grader = "",
    out: Out = None,
    certificate: CertificateFile = None,
    seed: Seed = 0,
    embed: Embed = None,
    json: given.Json = False,
) -> None:
    """Learn difficulty and confidence from graded answers; with --max-loss, certify a policy."""
    import time

    from policies.guarantee.terms import Test
    from router.certificates.issue import (
        CalibrationError,
        Promise,
        Target,
        complete,
        issue,
        learn,
        provenance,
    )
    from router.config import load

    settings = load(config)
    chosen = _policy(settings, policy)
    written = out or settings.learnt or _missing("--out", "`learnt:` in the configuration")
    wanted = settings.difficulty.encoder
    model = embed or (wanted.model if wanted else None)
    try:
        records = complete(_read(outcomes), chosen.ladder)
        records, encoder = embedded(records, model, int8=wanted is None or wanted.int8)
        target = Target(settings, chosen, written, seed, encoder)
        if max_loss is None:
            _report_learnt(target, learn(target, records), as_json=json)
            return
        now_s = time.time()
        promise = Promise(
            max_loss,
            now_s,
            now_s + valid_days * 86_400.0,
            confidence,
            Test(test) if test else None,
            by_task,
            provenance(outcomes, grader),
        )
        issued = issue(target, records, promise)
    except (CalibrationError, ValueError) as exc:
        raise Fault(str(exc), code=ExitCode.WRONG, reason="OUTCOMES_INVALID") from exc
    file = certificate or _named_file(chosen) or written.with_name("certificate.json")
    _report(target, issued, file, as_json=json)


def _read(files: list[Path]) -> list[OutcomeRecord]:
    from policies.derive import with_text_signals
    from router.outcomes import load_outcomes

    return with_text_signals([record for file in files for record in load_outcomes(file)])


def _policy(config: Config, name: str | None) -> PolicyConfig:
    """The policy asked for; else the first that is to be certified; else the first of all."""
    if name is not None:
        for policy in config.policies:
            if policy.name == name:
                return policy
        known = ", ".join(policy.name for policy in config.policies)
        raise Fault(f"no policy is called {name!r}; known: {known}", code=ExitCode.WRONG, reason="USAGE")
    wanted = [policy for policy in config.policies if policy.objective.rule == "certified"]
    return (wanted or list(config.policies))[0]


def _missing(option: str, otherwise: str) -> Path:
    raise Fault(f"nowhere to write; give {option} or {otherwise}", code=ExitCode.WRONG, reason="USAGE")


def _named_file(policy: PolicyConfig) -> Path | None:
    named = getattr(policy.objective.options, "certificate", None)
    return None if named is None else Path(named)


def _report(target: Target, issued: Issued, file: Path, *, as_json: bool) -> None:
    """Write the certificates, and say what they are worth; an old file must not outlive a new verdict."""
    from policies.guarantee.certificate_file import save_certificates
    from router.cli.verdict import findings_json, verdict_lines

    save_certificates([*_of_other_policies(file, target.policy.name), *issued.certificates], file)
    document = {
        **_learnt_json(target, issued.learnt),
        "policy": target.policy.name,
        "certificate_file": str(file),
        "strata": findings_json(issued),
    }
    lines = [*_learnt_lines(target, issued.learnt), *verdict_lines(issued, target.policy)]
    _print(document, [*lines, f"certificates: {file}"], as_json=as_json)


def _of_other_policies(file: Path, policy: str) -> list[Certificate]:
    from policies.guarantee.certificate_file import load_certificates

    return [kept for kept in load_certificates(file) if kept.policy != policy] if file.exists() else []


def _report_learnt(target: Target, learnt: Learnt, *, as_json: bool) -> None:
    _print(_learnt_json(target, learnt), _learnt_lines(target, learnt), as_json=as_json)


def _learnt_json(target: Target, learnt: Learnt) -> dict[str, Any]:
    from dataclasses import asdict

    reports = {tier: asdict(report) for tier, report in learnt.reports.items()}
    prices = {policy: price.to_json() for policy, price in learnt.shadow_prices.items()}
    said: dict[str, Any] = {"file": str(target.out), "prompt_count": learnt.prompt_count, "tiers": reports}
    said |= {"shadow_prices": prices, "stopped_at_tokens": _checkpoints(learnt)}
    return {"learnt": {**said, "encoder_pays": _encoder_pays(target, learnt)}}


def _learnt_lines(target: Target, learnt: Learnt) -> list[str]:
    said = f"learnt from {learnt.prompt_count:,} prompts: {target.out}"
    configured = target.config.learnt
    if configured is None or configured.resolve() != target.out.resolve():
        said += f"\n  the configuration does not use it yet; set `learnt: {target.out}`"
    worth = [
        f"policy {policy}: its budget makes a right answer worth ${1.0 / price.dear:.4g}"
        for policy, price in learnt.shadow_prices.items()
    ]
    stops = [
        f"tier {tier}: doubtful answers can be stopped after {', '.join(map(str, counts))} tokens"
        for tier, counts in _checkpoints(learnt).items()
    ]
    return [said, *_encoder_lines(target, learnt), *stops, *worth]


def _encoder_pays(target: Target, learnt: Learnt) -> bool | None:
    """Whether the encoder's embeddings told more than words; None: none has read the prompts."""
    return None if target.encoder is None else learnt.embedded is not None


def _encoder_lines(target: Target, learnt: Learnt) -> list[str]:
    if target.encoder is None:
        return []
    if learnt.embedded is None:
        return [f"encoder {target.encoder.name}: tells no more than the words do; it will not be used"]
    name, (low, high) = target.encoder.name, learnt.embedded.band
    said = f"encoder {name}: read where the top tier is predicted to gain {low:.2f} to {high:.2f}"
    if target.config.difficulty.encoder is None:
        said += f"\n  the configuration does not use it yet; set `difficulty: {{encoder: {{model: {name}}}}}`"
    return [said]


def _checkpoints(learnt: Learnt) -> dict[str, list[int]]:
    """Counts of tokens at which a tier's answers may be stopped early."""
    return {tier: [point.token_count for point in points] for tier, points in learnt.stopping.tiers.items()}


def _print(document: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        from json import dumps

        print(dumps(document, ensure_ascii=False))
    else:
        print("\n".join(lines))
