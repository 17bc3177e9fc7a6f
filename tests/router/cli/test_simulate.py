"""``upshift simulate``: old against new, from outcomes and from a journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from router.journal import SqliteJournal
from router.outcomes import write_outcomes
from tests.policies.ladder import records
from tests.router.cli.conftest import Run
from tests.router.journal import entries

CONFIG = """
version: 1
confidence: {uncalibrated: token_probability}
tiers:
  - {name: edge, backend: echo, price: {output_usd_per_million_tokens: 1}}
  - {name: local, backend: echo, price: {output_usd_per_million_tokens: 5}}
  - {name: frontier, backend: echo, price: {output_usd_per_million_tokens: 50}}
policies:
  - {name: current, ladder: [edge, local, frontier], objective: {rule: threshold, min_confidence: 0.8}}
"""
NEW = "# bolder\nladder: [edge, frontier]\nobjective:\n  rule: threshold\n  min_confidence: 0.4\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with a configuration, a new policy, outcomes and a journal."""
    (tmp_path / "upshift.yaml").write_text(CONFIG)
    (tmp_path / "new.yaml").write_text(NEW)
    graded = [replace(record, id=f"r{number}") for number, record in enumerate(records(200, seed=3))]
    write_outcomes(graded, tmp_path / "graded.jsonl")
    asyncio.run(_journal(tmp_path / "j.sqlite"))
    return tmp_path


async def _journal(path: Path) -> None:
    kept = SqliteJournal(path, store_prompts=False)
    await kept.start()
    for number in range(60):
        kept.record(entries.answered(f"r{number}"))
    await kept.close()


def words(house: Path, *more: str) -> list[str]:
    return ["simulate", "--policy", str(house / "new.yaml"), "-c", str(house / "upshift.yaml"), *more]


def test_outcomes_are_replayed_and_drawn(upshift: Run, house: Path) -> None:
    """The new policy is called by its file where it has no name."""
    picture = house / "out" / "p.png"
    ended = upshift(
        *words(house, "--outcomes", str(house / "graded.jsonl"), "--plot", str(picture), "--json")
    )
    told = ended.json
    assert (ended.code, told["supported"], told["request_count"]) == (0, True, 200)
    assert (told["old"]["name"], told["new"]["name"], told["top_tier"]) == ("current", "new", "frontier")
    low, high = told["outcome_change"]["interval"]
    assert low <= told["outcome_change"]["value"] <= high
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_baselines_go_by_name(upshift: Run, house: Path) -> None:
    """Always one tier, or all drawn equally often; nothing is lost by always asking the top."""
    words_of = ["-c", str(house / "upshift.yaml"), "--outcomes", str(house / "graded.jsonl"), "--json"]
    top = upshift("simulate", "--policy", "always-frontier", *words_of).json["new"]
    assert (top["name"], top["outcome"]["value"], top["answered_by"]["frontier"]) == (
        "always-frontier",
        0.0,
        1.0,
    )
    mixed = upshift("simulate", "--policy", "random-mix", *words_of).json["new"]
    assert all(0.2 < share < 0.5 for share in mixed["answered_by"].values())
    unknown = upshift("simulate", "--policy", "always-moon", *words_of)
    assert (unknown.code != 0, "moon" in unknown.out + unknown.err) == (True, True)


def test_people_get_a_table(upshift: Run, house: Path) -> None:
    """Old, new, and the change."""
    said = upshift(*words(house, "--outcomes", str(house / "graded.jsonl"))).out
    for part in ("old: current", "new: new", "change", "200 requests from outcomes"):
        assert part in said


def test_a_log_that_cannot_tell_ends_with_what_is_missing(upshift: Run, house: Path) -> None:
    """Costs are known all the same, those of probes among them, and the picture shows them."""
    picture = house / "p.png"
    ended = upshift(*words(house, "--journal", str(house / "j.sqlite"), "--plot", str(picture)))
    assert ended.code == 1
    assert "NOT SUPPORTED: on 100.0 % of the traffic" in ended.out
    assert "nothing was audited and nothing was scored" in ended.out
    assert picture.exists()
    told = upshift(*words(house, "--journal", str(house / "j.sqlite"), "--json"))
    assert (told.code, told.json["supported"], told.json["new"]["outcome"]["value"]) == (1, False, None)
    assert told.json["new"]["cost_usd"]["value"] == pytest.approx(9e-6)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            NEW.replace("0.4", "4"),
            "new.yaml:5:19: policies[0].objective.min_confidence: must be at most 1, not 4",
        ),
        (NEW.replace("edge,", "nosuch,"), "new.yaml:2:"),
        ("just text", "neither a policy nor a configuration"),
        ("{", "it is no YAML"),
    ],
)
def test_a_wrong_policy_is_told_by_its_own_lines(upshift: Run, house: Path, policy: str, said: str) -> None:
    """Not by those of the configuration that it was put into."""
    (house / "new.yaml").write_text(policy)
    ended = upshift(*words(house, "--outcomes", str(house / "graded.jsonl")))
    assert ended.code == 2
    assert said in ended.err


def test_a_whole_configuration_is_its_first_policy(upshift: Run, house: Path) -> None:
    """It needs no other; a lone policy does."""
    outcomes = ("--outcomes", str(house / "graded.jsonl"), "--json")
    whole = upshift("simulate", "--policy", str(house / "upshift.yaml"), *outcomes).json
    assert (whole["new"]["name"], whole["outcome_change"]["value"]) == ("current", 0.0)
    lone = upshift("simulate", "--policy", str(house / "new.yaml"), *outcomes)
    assert (lone.code, lone.json["error"]["reason"]) == (2, "SIMULATION_INVALID")


def test_one_record_of_traffic_is_asked_for(upshift: Run, house: Path) -> None:
    """Neither and both are mistakes."""
    assert upshift(*words(house)).code == 2
    both = ("--journal", str(house / "j.sqlite"), "--outcomes", str(house / "graded.jsonl"))
    assert "not both" in upshift(*words(house, *both)).err
    assert "known: current" in upshift(*words(house, *both[2:], "--against", "nosuch")).err
