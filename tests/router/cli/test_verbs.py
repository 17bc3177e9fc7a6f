"""Every verb: what it prints for people and for programs, and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from router.config import load
from tests.conftest import ECHO
from tests.router.cli.conftest import Run

CONFIG = ("--config", str(ECHO))


def test_version(upshift: Run) -> None:
    """--version names the command and its version."""
    ended = upshift("--version")
    assert ended.code == 0
    assert ended.out.startswith("upshift 0.")


@pytest.mark.parametrize("verb", ["init", "validate", "serve", "ask", "explain", "tiers"])
def test_help_teaches_by_examples(upshift: Run, verb: str) -> None:
    """The help of every verb ends with examples."""
    ended = upshift(verb, "--help")
    assert ended.code == 0
    assert f"upshift {verb}" in ended.out.partition("Examples")[2]


def test_help_imports_nothing_heavy() -> None:
    """Help needs neither gRPC nor a model library nor the configuration."""
    code = (
        "import sys\nfrom router.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'grpc', 'numpy', 'torch', 'yaml', 'router.config', 'router.build'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_ask_prints_only_the_answer_to_standard_output(upshift: Run) -> None:
    """The answer can be piped; the way that it took goes to standard error."""
    ended = upshift("ask", *CONFIG, "riddle")
    assert (ended.code, ended.out) == (0, "A river: it runs and never walks.\n")
    assert "edge 0.05 ↗ low_confidence" in ended.err
    assert "frontier 0.99 ✓ confident" in ended.err


def test_ask_as_json(upshift: Run) -> None:
    """--json gives the whole account as one object."""
    account = upshift("ask", *CONFIG, "hello", "--json").json
    assert (account["text"], account["tier"], account["decision"]["tier"]) == ("hello", "edge", "edge")
    assert [attempt["outcome"] for attempt in account["attempts"]] == ["accepted"]


def test_ask_reads_standard_input(upshift: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt of - is read from standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe\n"))
    assert upshift("ask", *CONFIG, "-").out == "from a pipe\n"


def test_ask_all_at_the_end(upshift: Run) -> None:
    """--no-stream prints the same text."""
    assert upshift("ask", *CONFIG, "--no-stream", "riddle").out == "A river: it runs and never walks.\n"


def test_ask_withdraws_what_was_shown_too_early(upshift: Run) -> None:
    """With --allow-retraction the first tier's text shows, and is said to be withdrawn."""
    ended = upshift("ask", *CONFIG, "--allow-retraction", "riddle")
    assert ended.out == "riddle\nA river: it runs and never walks.\n"
    assert "withdrawn: low_confidence" in ended.err


def test_ask_within_tiers(upshift: Run) -> None:
    """--tier keeps to the tiers named."""
    assert upshift("ask", *CONFIG, "--tier", "frontier", "hello", "--json").json["tier"] == "frontier"


def test_ask_for_json_by_schema(upshift: Run, tmp_path: Path) -> None:
    """--schema sends the file's schema: an answer that breaks it is not accepted."""
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}', encoding="utf-8")
    account = upshift("ask", *CONFIG, "--schema", str(schema), "hello", "--json").json
    assert account["attempts"][0]["reason"] == "failed_validation"


def test_unreadable_schema(upshift: Run, tmp_path: Path) -> None:
    """A schema that is none is the user's error."""
    schema = tmp_path / "schema.json"
    schema.write_text("[1]", encoding="utf-8")
    ended = upshift("ask", *CONFIG, "--schema", str(schema), "hello")
    assert (ended.code, ended.out) == (2, "")
    assert "a JSON Schema is an object" in ended.err


def test_ask_a_server(upshift: Run, echo_server: str) -> None:
    """A running server answers in the same way as this process does."""
    ended = upshift("ask", "--server", echo_server, "riddle")
    assert (ended.code, ended.out) == (0, "A river: it runs and never walks.\n")


def test_explain_a_server(upshift: Run, echo_server: str) -> None:
    """A decision names policy, tier and estimates."""
    decision = upshift("explain", "--server", echo_server, "hello", "--json").json
    assert (decision["policy"], decision["tier"]) == ("default", "edge")
    assert [estimate["tier"] for estimate in decision["estimates"]] == ["edge", "frontier"]


def test_explain_without_models(upshift: Run, tmp_path: Path) -> None:
    """A configuration is explained though its server is nowhere and its key is not set."""
    file = tmp_path / "upshift.yaml"
    elsewhere = (
        "backend: openai_chat\n    options: {base_url: http://192.0.2.1/v1, model: m, api_key: '${KEY}'}"
    )
    file.write_text(
        "version: 1\ntiers:\n  - name: only\n    " + elsewhere + "\npolicies:\n"
        "  - {name: default, ladder: [only], objective: {rule: threshold}}\n",
        encoding="utf-8",
    )
    ended = upshift("explain", "--config", str(file), "hello")
    assert ended.code == 0
    assert "default tries only first: cheapest" in ended.out
    assert upshift("explain", "--config", str(file), "--local-only", "hello").code == 2


def test_explain_shows_what_waiting_costs_where_it_counts(upshift: Run, tmp_path: Path) -> None:
    """Beside the money, as a table and for programs."""
    file = tmp_path / "upshift.yaml"
    file.write_text(
        "version: 1\ntiers: [{name: only, backend: echo, limits: {typical_latency_s: 2}}]\npolicies:\n"
        "  - {name: default, ladder: [only], objective: {rule: threshold, latency_usd_per_s: 0.01}}\n",
        encoding="utf-8",
    )
    shown = upshift("explain", "--config", str(file), "hello").out
    assert "waiting" in shown
    assert "$0.020000" in shown
    (estimate,) = upshift("explain", "--config", str(file), "hello", "--json").json["estimates"]
    assert (estimate["cost_usd_micros"], estimate["latency_cost_usd_micros"]) == (0.0, 20_000.0)


def test_tiers(upshift: Run, echo_server: str) -> None:
    """Tiers are listed cheapest first, as a table and as JSON."""
    assert "echo-small" in upshift("tiers", "--server", echo_server).out
    listed = upshift("tiers", "--server", echo_server, "--json").json["tiers"]
    assert [(tier["name"], tier["ready"]) for tier in listed] == [("edge", True), ("frontier", True)]


def test_no_server(upshift: Run) -> None:
    """A server that is not there is exit code 3, and said to be so."""
    ended = upshift("ask", "--server", "127.0.0.1:1", "--timeout", "5", "hello", "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (3, "UNAVAILABLE")
    assert "is `upshift serve` running?" in ended.json["error"]["message"]


@pytest.mark.parametrize("where", ["server", "config"])
def test_refused_request_is_told_alike(upshift: Run, echo_server: str, where: str) -> None:
    """A server and this process refuse with the same reason and exit code."""
    place = CONFIG if where == "config" else ("--server", echo_server)
    ended = upshift("ask", *place, "--policy", "nope", "hello", "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (2, "POLICY_UNKNOWN")


def test_usage_error_as_json(upshift: Run) -> None:
    """Even a command that cannot be parsed answers with JSON where that was asked for."""
    ended = upshift("ask", "--min-confidence", "3", "hello", "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (2, "USAGE")


def test_validate_right(upshift: Run) -> None:
    """A right configuration is said to be right."""
    ended = upshift("validate", str(ECHO))
    assert (ended.code, ended.err) == (0, "")


def test_validate_wrong(upshift: Run, tmp_path: Path) -> None:
    """Problems come one a line on standard error, or as objects, with exit code 2."""
    file = tmp_path / "u.yaml"
    file.write_text(ECHO.read_text(encoding="utf-8").replace("server:", "sever:"), encoding="utf-8")
    ended = upshift("validate", str(file))
    assert ended.code == 2
    line = file.read_text(encoding="utf-8").splitlines().index("sever:") + 1
    assert ended.err.startswith(f"{file}:{line}:1: sever: unknown key; did you mean 'server'?")
    (problem,) = upshift("validate", "--json", str(file)).json["problems"]
    assert (problem["line"], problem["column"], problem["key"]) == (line, 1, "sever")


def test_wrong_configuration_stops_other_verbs(upshift: Run, tmp_path: Path) -> None:
    """What validate would say, serve and ask say too."""
    missing = str(tmp_path / "nowhere.yaml")
    assert upshift("serve", missing).code == 2
    ended = upshift("ask", "--config", missing, "hello", "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (2, "CONFIG_INVALID")


@pytest.mark.parametrize("template", ["echo", "pocket", "laptop", "three-tier"])
def test_init_writes_a_right_configuration(upshift: Run, tmp_path: Path, template: str) -> None:
    """Every template loads where it was written."""
    file = tmp_path / "upshift.yaml"
    assert upshift("init", "--template", template, str(file)).code == 0
    assert load(file, allow_unset_env=True).version == 1


def test_init_never_overwrites_unasked(upshift: Run, tmp_path: Path) -> None:
    """An existing file stays unless --force is given."""
    file = tmp_path / "upshift.yaml"
    file.write_text("mine", encoding="utf-8")
    assert upshift("init", str(file)).code == 2
    assert file.read_text(encoding="utf-8") == "mine"
    assert json.loads(upshift("init", str(file), "--force", "--json").out)["file"] == str(file)


def test_listening_nowhere(upshift: Run) -> None:
    """An address that is none is a usage error."""
    assert upshift("serve", str(ECHO), "--listen", "nowhere").code == 2


def test_unforeseen_errors_show_no_traceback(upshift: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug ends in one line, and with its traceback only where that is asked for."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("router.config.load", broken)
    ended = upshift("validate", str(ECHO))
    assert (ended.code, ended.err.splitlines()[0].partition(";")[0]) == (1, "upshift: RuntimeError: a bug")
    monkeypatch.setenv("UPSHIFT_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="a bug"):
        upshift("validate", str(ECHO))
