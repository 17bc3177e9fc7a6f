"""``upshift calibrate``: learns, certifies, and says plainly what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.encoder.encoder import EncoderSettings, TextEncoder
from policies.artefact import load as load_learnt
from policies.artefact import save
from policies.guarantee.certificate_file import load_certificates, save_certificates
from policies.learnt import Learnt
from policies.outcomes import OutcomeRecord, Sample
from policies.training import fit_learnt
from router.build import build
from router.config import load
from router.outcomes import write_outcomes
from router.outcomes.embedding import with_embeddings
from tests.policies import doubtful
from tests.policies.ladder import TIERS, ladder_heads, records
from tests.router.cli.conftest import Run
from tests.router.conftest import ask
from tests.tiny_encoder import make_encoder

CONFIG = """
version: 1
learnt: learnt.json
difficulty: {estimator: linear}
tiers:
  - {name: edge, backend: echo, price: {output_usd_per_million_tokens: 1}}
  - {name: local, backend: echo, price: {output_usd_per_million_tokens: 5}}
  - {name: frontier, backend: echo, price: {output_usd_per_million_tokens: 50}}
policies:
  - name: default
    ladder: [edge, local, frontier]
    objective: {rule: certified, max_loss: 0.05, certificate: ./certificate.json}
"""


def calibrated(
    folder: Path, graded: list[OutcomeRecord], upshift: Run, *words: str, config: str = CONFIG
) -> Any:
    """Run the verb in ``folder``; returns what it printed for programs."""
    (folder / "upshift.yaml").write_text(config)
    write_outcomes(graded, folder / "graded.jsonl.gz")
    files = ("-c", str(folder / "upshift.yaml"), "--outcomes", str(folder / "graded.jsonl.gz"))
    return upshift("calibrate", *files, "--json", *words)


@pytest.fixture(scope="module")
def graded() -> list[OutcomeRecord]:
    """Records of a ladder on which two thirds of the cost can be saved."""
    return [replace(record, id=f"r{number}") for number, record in enumerate(records(900, seed=21))]


@pytest.fixture(scope="module")
def learnt(graded: list[OutcomeRecord]) -> Learnt:
    """What a few records teach."""
    return fit_learnt(graded[:60], tiers=TIERS)


def test_a_certificate_is_given_written_and_served(
    graded: list[OutcomeRecord], tmp_path: Path, upshift: Run
) -> None:
    """From records to a router that may serve by it; a better promise than was given is not read into it."""
    ended = calibrated(tmp_path, graded, upshift, "--max-loss", "0.05", "--grader", "exact")
    assert (ended.code, ended.err) == (0, "")
    (stratum,) = ended.json["strata"]
    assert stratum["certified"]
    assert stratum["certificate"]["proof"]["saving"] > 0.1
    (certificate,) = load_certificates(tmp_path / "certificate.json")
    assert certificate.id == stratum["certificate"]["id"]
    assert certificate.made_from["grader"] == "exact"
    assert load_learnt(tmp_path / "learnt.json").prompt_count < 500  # the others certify
    (status,) = build(load(tmp_path / "upshift.yaml")).certificates()
    assert (status.id, status.withdrawn) == (certificate.id, None)
    (tmp_path / "upshift.yaml").write_text(CONFIG.replace("0.05", "0.01"))
    assert build(load(tmp_path / "upshift.yaml")).certificates() == ()


def test_what_cannot_be_certified_is_said_plainly(
    graded: list[OutcomeRecord], tmp_path: Path, upshift: Run
) -> None:
    """The old certificate goes, and the sentence says that the top tier answers."""
    (tmp_path / "certificate.json").write_text("")
    save_certificates([], tmp_path / "certificate.json")
    ended = calibrated(tmp_path, graded[:150], upshift, "--max-loss", "0.01")
    (stratum,) = ended.json["strata"]
    assert (ended.code, stratum["certified"], stratum["certificate"]) == (0, False, None)
    assert load_certificates(tmp_path / "certificate.json") == ()
    files = ("-c", str(tmp_path / "upshift.yaml"), "--outcomes", str(tmp_path / "graded.jsonl.gz"))
    said = upshift("calibrate", *files, "--max-loss", "0.01").out
    assert "NOT CERTIFIED" in said
    assert "the top tier answers everything" in said


def test_without_a_bound_all_records_teach(graded: list[OutcomeRecord], tmp_path: Path, upshift: Run) -> None:
    """Nothing is kept back where nothing is certified."""
    ended = calibrated(tmp_path, graded[:120], upshift)
    assert ended.json["learnt"]["prompt_count"] == 120
    assert not (tmp_path / "certificate.json").exists()


@pytest.mark.engines
def test_an_encoder_that_tells_no_more_is_left_out(
    graded: list[OutcomeRecord], tmp_path: Path, upshift: Run
) -> None:
    """It is said, and a router that names it reads nothing."""
    encoder = make_encoder(tmp_path / "encoder")
    config = CONFIG.replace("{estimator: linear}", "{estimator: linear, encoder: {model: encoder}}")
    ended = calibrated(tmp_path, graded[:120], upshift, config=config)
    assert (ended.code, ended.json["learnt"]["encoder_pays"]) == (0, False)
    assert build(load(tmp_path / "upshift.yaml"))._second_look is None
    files = ("-c", str(tmp_path / "upshift.yaml"), "--outcomes", str(tmp_path / "graded.jsonl.gz"))
    said = upshift("calibrate", *files, "--embed", str(encoder)).out
    assert "tells no more than the words do" in "".join(said.split("\n")).replace("  ", " ")


@pytest.mark.engines
async def test_an_encoder_that_pays_is_served(learnt: Learnt, tmp_path: Path) -> None:
    """One folder beside the configuration, checked by its hash when the router starts."""
    folder = make_encoder(tmp_path / "encoder")
    encoder = TextEncoder(EncoderSettings(str(folder)))
    _, identity = await with_embeddings(records(1, seed=1), encoder)
    blank = ladder_heads(learnt, width=32)
    assert blank.embedded is not None
    save(replace(blank, embedded=replace(blank.embedded, encoder=identity)), tmp_path / "learnt.json")
    config = CONFIG.replace("{estimator: linear}", "{estimator: linear, encoder: {model: encoder}}")
    config = config.replace("certified, max_loss: 0.05, certificate: ./certificate.json", "fixed, tier: edge")
    (tmp_path / "upshift.yaml").write_text(config)
    router = build(load(tmp_path / "upshift.yaml"))
    assert router._second_look is not None
    router._second_look._time_limit_s = 60.0  # whatever else runs here
    try:
        await router.start()
        async for _ in router.run(ask("add 12 and 30")):
            pass
    finally:
        await router.close()
    assert router._second_look.looks.read == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--embed", "./nothing-here"), "cannot load the encoder"),
        (("--policy", "nonsense"), "known: default"),
        (("--max-loss", "0.02", "--by-task"), "names no task"),
    ],
)
def test_what_is_wrong_is_named(
    graded: list[OutcomeRecord], tmp_path: Path, upshift: Run, words: tuple[str, ...], said: str
) -> None:
    """The caller's mistakes end with code 2."""
    ended = calibrated(tmp_path, graded[:150], upshift, *words)
    assert ended.code == 2
    assert said in ended.json["error"]["message"]


def test_records_without_the_ladder_are_refused(
    graded: list[OutcomeRecord], tmp_path: Path, upshift: Run
) -> None:
    """It says which tiers the records have."""
    lone = [replace(r, outcomes={"edge": r.outcomes["edge"]}) for r in graded[:50]]
    error = calibrated(tmp_path, lone, upshift).json["error"]
    assert error["reason"] == "OUTCOMES_INVALID"
    assert "the records have edge" in error["message"]


def test_a_ladder_out_of_order_is_refused(graded: list[OutcomeRecord], tmp_path: Path, upshift: Run) -> None:
    """Costs decide what is cheap, and here the top is cheaper than what it stands above."""
    dear = [
        replace(
            r, outcomes={t: replace(o, cost_usd=1.0 / (1 + TIERS.index(t))) for t, o in r.outcomes.items()}
        )
        for r in graded[:200]
    ]
    error = calibrated(tmp_path, dear, upshift, "--max-loss", "0.02").json["error"]
    assert "from the cheapest to the dearest" in error["message"]
    assert json.dumps(error)


def test_what_may_be_stopped_and_what_money_is_worth_is_said(tmp_path: Path, upshift: Run) -> None:
    """Tiers with their checkpoints, and policies with the value that their budget comes to."""
    config = """
version: 1
learnt: learnt.json
tiers:
  - {name: edge, backend: echo, price: {output_usd_per_million_tokens: 1}}
  - {name: top, backend: echo, price: {output_usd_per_million_tokens: 50}}
policies:
  - {name: default, ladder: [edge, top],
     objective: {rule: cascade_routing, budget_usd_per_request: 0.0005}}
"""
    (tmp_path / "upshift.yaml").write_text(config)
    write_outcomes(doubtful.records(600, seed=2), tmp_path / "graded.jsonl.gz")
    files = ("-c", str(tmp_path / "upshift.yaml"), "--outcomes", str(tmp_path / "graded.jsonl.gz"))
    said = upshift("calibrate", *files).out
    assert "tier edge: doubtful answers can be stopped after 8, " in said
    assert "policy default: its budget makes a right answer worth $" in said


def test_arms_are_learnt_where_records_have_samples(
    graded: list[OutcomeRecord], tmp_path: Path, upshift: Run
) -> None:
    """What a policy's arm would have given is learnt beside its tier; an arm that no record shows is not."""
    arms = "[{tier: edge, samples: 3}, {tier: local, samples: 3}]"
    rule = f"rule: cascade_routing, value_of_correct_usd: 1, arms: {arms}"
    config = CONFIG.replace("rule: certified, max_loss: 0.05, certificate: ./certificate.json", rule)
    ended = calibrated(tmp_path, [_sampled(record) for record in graded[:120]], upshift, config=config)
    assert set(ended.json["learnt"]["tiers"]) == {*TIERS, "edge@3"}
    assert "edge" in load_learnt(tmp_path / "learnt.json").refinements.tiers
    build(load(tmp_path / "upshift.yaml"))


def _sampled(record: OutcomeRecord) -> OutcomeRecord:
    """The record with texts: right answers of the edge are repeated by its samples, wrong ones are not."""
    edge = record.outcomes["edge"]
    said = "1" if edge.quality else "2"
    samples = (Sample("1", 1.0), Sample("1" if edge.quality else "3", edge.quality))
    return replace(record, outcomes={**record.outcomes, "edge": replace(edge, text=said, samples=samples)})
