"""Loading a configuration: what it becomes, and what is said when it cannot."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.echo import EchoOptions
from backends.registry import BACKENDS
from policies.arms import Arm
from policies.cascade_routing import CascadeRoutingOptions
from policies.certified import CertifiedOptions
from policies.probes.samples import SamplesOptions
from policies.threshold import ThresholdOptions
from router.config import Config, ConfigError, load, parse

MINIMAL = """\
version: 1
tiers:
  - name: edge
    backend: echo
policies:
  - name: default
    ladder: [edge]
    objective: {rule: threshold, min_confidence: 0.7}
"""


def problems(text: str, **environment: str) -> list[str]:
    """Parse a text that is wrong and return its problems, one string each."""
    with pytest.raises(ConfigError) as caught:
        parse(text, source="u.yaml", environment=environment)
    return str(caught.value).splitlines()


def with_line(line: str, at: str = "    backend: echo\n") -> str:
    """Put a line into the minimal configuration, after the one that reads ``at``."""
    return MINIMAL.replace(at, f"{at}{line}\n")


def test_options_become_the_parts_own_models() -> None:
    """Options are checked by the part that takes them, and arrive as its model."""
    config = parse(MINIMAL)
    assert config.tiers[0].options == EchoOptions()
    assert config.policies[0].objective.options == ThresholdOptions(min_confidence=0.7)


def test_config_is_frozen() -> None:
    """Nothing changes once it is read."""
    with pytest.raises(ValueError, match="frozen"):
        parse(MINIMAL).version = 1  # type: ignore[misc]


def test_prices_become_whole_micros() -> None:
    """Dollars in the file are millionths in the program, rounded to the nearest."""
    config = parse(with_line("    price: {input_usd_per_million_tokens: 0.02}"))
    assert config.tiers[0].price.input_usd_micros_per_million == 20_000


def test_a_cache_is_no_dearer_than_the_model() -> None:
    """Budgets reckon with the full price of input, so that a cached token may not cost more."""
    price = "    price: {{input_usd_per_million_tokens: 2, cached_input_usd_per_million_tokens: {}}}"
    config = parse(with_line(price.format(0.5)))
    assert config.tiers[0].price.cached_input_usd_micros_per_million == 500_000
    (problem,) = problems(with_line(price.format(3)))
    assert problem.endswith("must be at most input_usd_per_million_tokens, 2, not 3")


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    """Relative paths are relative to the configuration's directory; `~` is home; null stays."""
    file = tmp_path / "upshift.yaml"
    file.write_text(MINIMAL + "journal: {path: log/u.sqlite}\nlearnt: ~/learnt.json\n", encoding="utf-8")
    config = load(file)
    assert config.journal.path == tmp_path / "log/u.sqlite"
    assert config.learnt == Path.home() / "learnt.json"
    assert parse(MINIMAL).journal.path is None


def test_unknown_key_has_place_and_suggestion() -> None:
    """An unknown key is named with line and column, the nearest key, and all keys."""
    (problem,) = problems(with_line("    pryce: {}"))
    assert problem == (
        "u.yaml:5:5: tiers[0].pryce: unknown key; did you mean 'price'? "
        "allowed: backend, energy, limits, name, options, price, resilience"
    )


def test_unknown_option_has_place_and_suggestion() -> None:
    """Options of a backend err like everything else."""
    (problem,) = problems(with_line("    options: {replay: hello}"))
    assert problem.startswith("u.yaml:5:15: tiers[0].options.replay: unknown key; did you mean 'reply'?")


def test_option_of_a_rule_stands_beside_it() -> None:
    """The path of a rule's option is the one in the file."""
    (problem,) = problems(MINIMAL.replace("0.7", "7"))
    assert problem == "u.yaml:8:50: policies[0].objective.min_confidence: must be at most 1, not 7"


def test_a_bound_on_loss_asks_for_a_certificate() -> None:
    """Who says what may be lost need not name the rule that proves it; its options are checked as ever."""
    bounded = MINIMAL.replace("rule: threshold, min_confidence: 0.7", "max_loss: 0.02, confidence: 0.95")
    objective = parse(bounded).policies[0].objective
    assert (objective.rule, objective.options) == ("certified", CertifiedOptions(max_loss=0.02))
    (problem,) = problems(bounded.replace("0.95", "0.2"))
    assert "policies[0].objective.confidence: must be greater than 0.5" in problem


def test_all_problems_are_told_at_once_in_file_order() -> None:
    """Shape, options and names that do not exist come together, sorted by place."""
    text = (
        with_line("    options: {logprob: 1}").replace("[edge]", "[edgy]").replace("version: 1", "version: 3")
    )
    assert [problem.split(": ")[1] for problem in problems(text)] == [
        "version",
        "tiers[0].options.logprob",
        "policies[0].ladder[0]",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("    limits: {queue: '8'}", "tiers[0].limits.queue: must be a whole number, not '8'"),
        ("    limits: {queue: 1.5}", "tiers[0].limits.queue: must be a whole number, not 1.5"),
        ("    limits: {timeout_s: .nan}", "tiers[0].limits.timeout_s: must be a number, not '.nan'"),
        ("    limits: {timeout_s: 1e999}", "tiers[0].limits.timeout_s: 1e999 is too large a number"),
        ("    limits: [8]", "tiers[0].limits: must be a mapping, not a list"),
        ("    limits:", "tiers[0].limits: must be a mapping, not nothing"),
        ("    backend: echo", "tiers[0].backend: stands here twice, first in line 4; keep one"),
        ("    options: {model: 7}", "must be text (quote it if it looks like a number), not 7"),
        ("    options: !!binary aGk=", "the YAML tag 'tag:yaml.org,2002:binary' is not read; remove it"),
    ],
)
def test_wrong_values_are_shown(line: str, message: str) -> None:
    """A wrong value is shown beside what is allowed."""
    assert message in problems(with_line(line))[0]


def test_yaml_is_read_by_the_core_schema() -> None:
    """`no` is text and `1e-3` a number."""
    config = parse(with_line("    options: {model: no, token_delay_s: 1e-3}"))
    assert config.tiers[0].options == EchoOptions(model="no", token_delay_s=0.001)


def test_reference_is_resolved() -> None:
    """A reference in any string value takes the environment's value."""
    config = parse(with_line("    options: {model: '${M}'}"), environment={"M": "m1"})
    assert config.tiers[0].options == EchoOptions(model="m1")


def test_unset_variable_is_named_once() -> None:
    """An unset variable is told, and nothing else about the value that it leaves."""
    (problem,) = problems(
        MINIMAL.replace("name: edge", "name: ${TIER}")
        .replace("[edge]", "['${TIER}']")
        .replace("'${TIER}'", "edge")
        .replace("name: ${TIER}", 'name: edge\n    options: {model: "${TIER}"}')
    )
    assert "the environment variable TIER is not set; set it, or write ${TIER:-default}" in problem


def test_unset_variables_can_be_allowed() -> None:
    """Checking a file needs no secrets: the reference stays as it is written."""
    config = parse(with_line("    options: {model: '${M}'}"), environment={}, allow_unset_env=True)
    assert config.tiers[0].options == EchoOptions(model="${M}")


def test_resolved_secret_never_shows() -> None:
    """An error shows the reference, not what it stands for."""
    text = "\n".join(problems(with_line("    limits: {queue: '${SECRET}'}"), SECRET="hunter2"))
    assert "${SECRET}" in text
    assert "hunter2" not in text


def test_literal_secret_never_shows() -> None:
    """A value under a key such as `api_key` is masked in errors."""
    text = "\n".join(problems(with_line("    options: {fail: {api_key: sk-123}, model: {token: abc}}")))
    assert "sk-123" not in text
    assert "abc" not in text


def test_credentials_in_an_address_never_show() -> None:
    """They are refused, and neither that error nor any other repeats them."""
    for url in ("http://user:hunter2@host/v1", "ht tp://user:hunter2@host/v1"):
        options = f"{{base_url: '{url}', model: m}}"
        text = "\n".join(problems(with_line(f"    options: {options}").replace("echo", "openai_chat")))
        assert "base_url" in text
        assert "hunter2" not in text


def test_names_are_unique() -> None:
    """A second tier of the same name is refused, with the line of the first."""
    twice = MINIMAL.replace("policies:", "  - {name: edge, backend: echo}\npolicies:")
    assert problems(twice) == ["u.yaml:5:12: tiers[1].name: 'edge' is taken since line 3; names are unique"]


def _policies(*matches: str) -> str:
    items = (
        f"  - {{name: p{index}, ladder: [edge], objective: {{rule: threshold}}, match: {match}}}"
        for index, match in enumerate(matches)
    )
    return MINIMAL.partition("policies:")[0] + "policies:\n" + "\n".join(items)


@pytest.mark.parametrize(
    "matches",
    [("{}",), ("{}", "{}"), ("{tags: [a]}", "{}"), ("{tags: [a], tenants: [t]}", "{tags: [a]}", "{}")],
)
def test_reachable_policies_pass(matches: tuple[str, ...]) -> None:
    """Special before general passes; a second policy for everybody is there to be asked for by name."""
    assert len(parse(_policies(*matches)).policies) == len(matches)


@pytest.mark.parametrize(
    ("matches", "message"),
    [
        (("{}", "{tags: [a]}"), "policies[1].match: never fits: 'p0' takes these requests first; move it up"),
        (("{tags: [a, b]}", "{tags: [a]}", "{}"), "policies[1].match: never fits: 'p0'"),
        (("{tags: [a]}",), "policies: some requests match no policy"),
    ],
)
def test_unreachable_policies_are_refused(matches: tuple[str, ...], message: str) -> None:
    """A match rule that can never fit, or requests that nothing takes, are told."""
    assert message in problems(_policies(*matches))[0]


def test_missing_file_is_a_config_error(tmp_path: Path) -> None:
    """A file that cannot be read is told like any other problem."""
    with pytest.raises(ConfigError, match=r"nowhere\.yaml:1:1: cannot be read: No such file"):
        load(tmp_path / "nowhere.yaml")


def test_alias_bomb_is_refused() -> None:
    """Aliases that unfold to very many values are refused, quickly."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join(['*a' + str(i - 1)] * 9)}]" for i in range(1, 9)]
    assert "once aliases are followed" in problems("\n".join(lines))[0]


@pytest.mark.parametrize(
    "text", ["", "[" * 1000, "a: &x [*x]", "a: [", "x" * 300_000, "--- 1\n--- 2", "a: \x01"]
)
def test_broken_files_are_told(text: str) -> None:
    """Whatever is in the file, it ends in a ConfigError."""
    assert problems(text)


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_ANYTHING = st.recursive(_SCALARS, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=20)

_TOP_KEYS = ("version", "tiers", "policies", "server", "difficulty", "journal", "learnt")
_INNER_KEYS = ("name", "backend", "options", "ladder", "objective", "rule", "match", "tags", "constraints")
_NEARLY_RIGHT = st.recursive(
    st.sampled_from([1, "edge", "echo", None, "threshold", 0.5, "$", "${A}"]),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(_INNER_KEYS), v, max_size=4),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None)
@given(_ANYTHING)
def test_any_yaml_ends_in_problems(value: Any) -> None:
    """Arbitrary values are never accepted and never crash."""
    assert problems(yaml.safe_dump(value))


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(_TOP_KEYS), _NEARLY_RIGHT))
def test_nearly_right_yaml_never_crashes(value: Any) -> None:
    """Values of the wrong shape in the right places give problems, or a configuration."""
    with suppress(ConfigError):
        assert isinstance(parse(yaml.safe_dump(value), environment={}), Config)


def test_import_is_light() -> None:
    """Loading a configuration of echo tiers imports no model library."""
    code = (
        "import sys; from router.config import load; load('examples/echo.yaml'); "
        "assert not {'torch', 'llama_cpp', 'transformers', 'sklearn', 'grpc'} & set(sys.modules)"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_branches_of_a_union_are_no_keys() -> None:
    """Where several types are allowed, the problem is at the key and not at a type's name."""
    text = with_line("    options: {base_url: 'http://h/v1', model: m, logprobs: 3}").replace(
        "echo", "openai_chat"
    )
    for problem in problems(text):
        assert ": tiers[0].options.logprobs: must be " in problem


def test_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend whose library is not installed says what to install."""
    monkeypatch.setitem(BACKENDS, "moe", "no_such_library:MoeBackend")
    (problem,) = problems(MINIMAL.replace("backend: echo", "backend: moe"))
    assert problem.startswith("u.yaml:4:14: tiers[0].backend: backend 'moe' needs the Python package")
    assert "pip install 'upshift[moe]'" in problem


def test_model_path_starts_at_the_file(tmp_path: Path) -> None:
    """A backend's model that is a path is relative to the configuration; a name on a hub stays."""
    (tmp_path / "edge.gguf").touch()
    text = with_line("    options: {model: %s}").replace("echo", "llamacpp")
    for written, found in (
        ("edge.gguf", str(tmp_path / "edge.gguf")),
        ("./later.gguf", str(tmp_path / "later.gguf")),
        ("hf://owner/repository/file.gguf", "hf://owner/repository/file.gguf"),
    ):
        (tier,) = parse(text % written, directory=tmp_path).tiers
        assert tier.options.model_dump()["model"] == found


def test_probes_and_arms_become_their_own_models() -> None:
    """What stands beside a probe's name are its options; arms are checked with their rule."""
    text = MINIMAL.replace(
        "rule: threshold, min_confidence: 0.7",
        "rule: cascade_routing, value_of_correct_usd: 1, arms: [{tier: edge, samples: 3}]",
    )
    config = parse(text + "confidence: {probes: [{probe: samples, count: 4}]}\n")
    assert config.confidence.probes[0].options == SamplesOptions(count=4)
    options = config.policies[0].objective.options
    assert isinstance(options, CascadeRoutingOptions)
    assert options.arms == (Arm(tier="edge", samples=3),)


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        (
            "[{probe: sample}]",
            "confidence.probes[0].probe: no probe is called 'sample'; did you mean 'samples'?",
        ),
        ("[{probe: samples, cuont: 2}]", "unknown key; did you mean 'count'?"),
        ("[{probe: judge, tier: egde}]", "no tier is called 'egde'; did you mean 'edge'?"),
        ("[{probe: p_true}, {probe: p_true}]", "'p_true' is there twice; keep one"),
    ],
)
def test_a_wrong_probe_is_told_where_it_stands(probes: str, said: str) -> None:
    """Names, options and tiers of probes are checked like those of any part."""
    (problem,) = problems(MINIMAL + f"confidence: {{probes: {probes}}}\n")
    assert said in problem


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ("[{tier: egde, samples: 3}]", "'egde' is not on this policy's ladder; did you mean 'edge'?"),
        ("[{tier: edge, samples: 1}]", "must be at least 2, not 1"),
        ("[{tier: edge, samples: 3}, {tier: edge, samples: 3}]", "asked as often by an earlier arm"),
    ],
)
def test_a_wrong_arm_is_told_where_it_stands(arms: str, said: str) -> None:
    """An arm asks a tier of its own policy, more than once, and differs from the others."""
    rule = f"rule: cascade_routing, value_of_correct_usd: 1, arms: {arms}"
    (problem,) = problems(MINIMAL.replace("rule: threshold, min_confidence: 0.7", rule))
    assert said in problem
