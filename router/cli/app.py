"""The command line's one door: which verbs there are, and how every failure ends.

Exit codes: 0 done; 1 failed; 2 the command, the configuration or the request is wrong; 3 not
available or too late, asking again may help; 130 interrupted. People who use the command never
see a traceback; ``UPSHIFT_TRACEBACK=1`` shows it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from router.cli import (
    ask,
    calibrate,
    collect,
    demo,
    doctor,
    document,
    evaluate,
    explain,
    health,
    init,
    journal,
    keys,
    models,
    reload,
    rollback,
    serve,
    simulate,
    tenants,
    tiers,
    validate,
)
from router.cli.failure import ExitCode, failure_of

_EPILOG = """
**First steps**

`upshift init --template echo` writes a configuration that needs no models.

`upshift serve upshift.yaml` serves it, and `upshift ask "hello"` asks it.

**Exit codes**: 0 done · 1 failed · 2 wrong command, configuration or request · 3 not available, try again
"""

app = typer.Typer(
    name="upshift",
    help="Answers requests with the cheapest model that can be trusted, and shifts up only when in doubt.",
    epilog=_EPILOG,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# A verb is a function in a file of its own; this is the one place that lists them.
app.command("init", epilog=init.EPILOG)(init.init)
app.command("validate", epilog=validate.EPILOG)(validate.validate)
app.command("serve", epilog=serve.EPILOG)(serve.serve)
app.command("reload", epilog=reload.EPILOG)(reload.reload)
app.command("rollback", epilog=rollback.EPILOG)(rollback.rollback)
app.command("ask", epilog=ask.EPILOG)(ask.ask)
app.command("explain", epilog=explain.EPILOG)(explain.explain)
app.command("tiers", epilog=tiers.EPILOG)(tiers.tiers)
app.command("health", epilog=health.EPILOG)(health.health)
app.command("collect", epilog=collect.EPILOG)(collect.collect)
app.command("evaluate", epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command("calibrate", epilog=calibrate.EPILOG)(calibrate.calibrate)
app.command("simulate", epilog=simulate.EPILOG)(simulate.simulate)
app.command("document", epilog=document.EPILOG)(document.document)
app.command("demo", epilog=demo.EPILOG)(demo.demo)
app.command("doctor", epilog=doctor.EPILOG)(doctor.doctor)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(tenants.app, name="tenants")
app.add_typer(journal.app, name="journal")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"upshift {version('upshift')}")
        raise typer.Exit


@app.callback()
def upshift(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and end."),
    ] = False,
) -> None:
    """Answers requests with the cheapest model that can be trusted, and shifts up only when in doubt."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    # gRPC would log what goes wrong to standard error, beside our own sentence about it.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments) or ["--help"])
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output has gone, as `head` does; the interpreter's own last flush must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.FAILED
    sys.exit(code)


def _run(words: list[str]) -> int:
    try:
        return int(app(words, prog_name="upshift", standalone_mode=False) or 0)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("UPSHIFT_TRACEBACK"):
            raise
        failure = failure_of(error)
        failure.tell(as_json="--json" in words)
        return failure.exit_code
