"""``upshift collect``: from prompts to graded records, whatever comes between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from router.outcomes import OutcomesError, read_outcomes
from tests.router.cli.conftest import Run

CONFIG = """
version: 1
tiers:
  - name: edge
    backend: echo
    options: {{reply: "4", first_token_delay_s: {delay}}}
    price: {{output_usd_per_million_tokens: 1}}
    limits: {{concurrency: 1}}
  - name: top
    backend: echo
    options: {{reply: "The answer is 5."}}
    price: {{output_usd_per_million_tokens: 100}}
policies:
  - {{name: default, ladder: [edge, top], objective: {{rule: threshold, min_confidence: 0.9}}}}
  - {{name: small, ladder: [edge], objective: {{rule: fixed, tier: edge}}}}
"""


def house(folder: Path, *, count: int = 4, delay: float = 0.0, reference: bool = True) -> list[str]:
    """Write a configuration and prompts; returns the verb's words."""
    (folder / "upshift.yaml").write_text(CONFIG.format(delay=delay))
    lines = [
        {"id": f"p{number}", "prompt": f"{number} + {4 - number}?"} | ({"reference": 4} if reference else {})
        for number in range(count)
    ]
    (folder / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return ["collect", "-c", str(folder / "upshift.yaml"), "--prompts", str(folder / "p.jsonl")]


def outcomes(folder: Path) -> list[Any]:
    return list(read_outcomes(folder / "p.outcomes.jsonl.gz"))


def test_prompts_become_graded_records(upshift: Run, tmp_path: Path) -> None:
    """By their references, where they have them; with all that calibration needs."""
    ended = upshift(*house(tmp_path), "--samples", "1", "--json")
    assert ended.code == 0
    told = ended.json
    assert (told["complete"], told["grader"], told["record_count"]) == (True, "reference:final", 4)
    assert (told["tiers"]["edge"]["mean_quality"], told["tiers"]["top"]["mean_quality"]) == (1.0, 0.0)
    record = outcomes(tmp_path)[0]
    assert (record.id, set(record.outcomes)) == ("p0", {"edge", "top"})
    edge = record.outcomes["edge"]
    assert (edge.text, edge.quality, edge.output_token_count, edge.cost_usd) == ("4", 1.0, 1, 1e-06)
    assert [sample.quality for sample in edge.samples] == [1.0]
    assert "logprob_mean" in edge.signals


def test_another_grader_runs_no_tier_again(upshift: Run, tmp_path: Path) -> None:
    """Answers are kept ungraded, cannot be taken for graded, and are graded later."""
    words = house(tmp_path, reference=False)
    assert upshift(*words, "--json").json["grader"] is None
    with pytest.raises(OutcomesError, match="nobody graded this answer"):
        outcomes(tmp_path)
    kept = (tmp_path / "p.outcomes.jsonl.gz.answers").read_bytes()
    told = upshift(*words, "--grader", "top_tier", "--json").json
    assert (told["grader_is_proxy"], told["tiers"]["edge"]["mean_quality"]) == (True, 0.0)
    assert (tmp_path / "p.outcomes.jsonl.gz.answers").read_bytes() == kept


def test_grades_of_a_program_are_kept(upshift: Run, tmp_path: Path) -> None:
    """It is asked once an answer, however often the command runs."""
    counted = tmp_path / "count"
    code = f"open({str(counted)!r}, 'a').write('x'); print(1)"
    (tmp_path / "grade.py").write_text(code)
    words = [*house(tmp_path), "--grader", f"command:{sys.executable} {tmp_path / 'grade.py'}", "--json"]
    assert upshift(*words).json["tiers"]["top"]["mean_quality"] == 1.0
    assert upshift(*words).json["tiers"]["top"]["mean_quality"] == 1.0
    assert counted.read_text() == "x" * 8


@pytest.mark.parametrize(
    ("options", "tiers"), [(("--tiers", "top"), ["top"]), (("--policy", "small"), ["edge"])]
)
def test_some_tiers_can_be_asked_alone(
    upshift: Run, tmp_path: Path, options: tuple[str, ...], tiers: list[str]
) -> None:
    """By name, or a policy's ladder."""
    assert list(upshift(*house(tmp_path), *options, "--json").json["tiers"]) == tiers


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tiers", "edge,nosuch"), "no tier is called 'nosuch' here; known: edge, top"),
        (("--policy", "nosuch"), "known: default, small"),
        (
            ("--grader", "json_fields"),
            "p.jsonl:1: the grader json_fields needs a `reference` that is a JSON object (and 3",
        ),
        (("--grader", "nosuch"), "known: command"),
        (("--grader", "top_tier", "--tiers", "edge"), "only edge is asked"),
        (("--prompts", "/nowhere.jsonl"), "/nowhere.jsonl"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    upshift: Run, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    """With what is known instead."""
    ended = upshift(*house(tmp_path), *options)
    assert ended.code in {1, 2}
    assert said in ended.err
    assert not (tmp_path / "p.outcomes.jsonl.gz.answers").exists()


def test_prompts_are_never_written_over(upshift: Run, tmp_path: Path) -> None:
    """Not even where outcomes are the prompts of a further tier."""
    words = house(tmp_path)
    before = (tmp_path / "p.jsonl").read_bytes()
    assert "name another file by --out" in upshift(*words, "--out", str(tmp_path / "p.jsonl")).err
    assert (tmp_path / "p.jsonl").read_bytes() == before


def test_a_changed_tier_is_not_mixed_with_its_past(upshift: Run, tmp_path: Path) -> None:
    """Nor is what it costs."""
    upshift(*house(tmp_path))
    words = house(tmp_path)
    (tmp_path / "upshift.yaml").write_text(CONFIG.format(delay=0.0).replace("tokens: 100", "tokens: 99"))
    ended = upshift(*words)
    assert ended.code == 2
    assert "answers of tier 'top' come from another configuration" in ended.err


def test_money_that_is_used_up_ends_with_what_there_is(upshift: Run, tmp_path: Path) -> None:
    """It failed to finish, and says how to go on."""
    ended = upshift(*house(tmp_path), "--max-cost-usd", "0.0004")
    assert ended.code == 1
    assert "a larger --max-cost-usd goes on from here" in ended.out
    assert upshift(*house(tmp_path)).code == 0


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on(upshift: Run, tmp_path: Path, ending: signal.Signals) -> None:
    """Killed or interrupted: no answer is asked for twice."""
    words = house(tmp_path, count=40, delay=0.02)
    log = tmp_path / "p.outcomes.jsonl.gz.answers"
    with subprocess.Popen(
        [sys.executable, "-m", "router.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        deadline_s = time.monotonic() + 60
        while not (log.exists() and log.read_bytes().count(b'"tier":"edge"') > 3):
            assert time.monotonic() < deadline_s
        child.send_signal(ending)
        _, said = child.communicate()
    if ending is signal.SIGINT:
        assert child.returncode == 130
        assert b"run the same command again to go on" in said
    assert not (tmp_path / "p.outcomes.jsonl.gz").exists()
    assert upshift(*words).code == 0
    answers = [json.loads(line) for line in log.read_text().splitlines() if '"text"' in line]
    assert len(answers) == len({(answer["key"], answer["tier"]) for answer in answers}) == 80
    assert len(outcomes(tmp_path)) == 40
