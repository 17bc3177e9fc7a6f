"""``upshift init``: a commented configuration to start from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from router.cli import parameters as given
from router.cli.failure import ExitCode, Fault

EPILOG = """
**Examples**

`upshift init` writes upshift.yaml with two scripted tiers: no models, no keys.

`upshift init --template laptop my.yaml` takes a small GGUF from the hub and an OpenAI-compatible frontier.
"""


class Template(StrEnum):
    """What a configuration can start from."""

    ECHO = "echo"
    POCKET = "pocket"
    LAPTOP = "laptop"
    THREE_TIER = "three-tier"


File = Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")]
FromTemplate = Annotated[
    Template,
    typer.Option(
        metavar="NAME",
        help="echo: scripted; pocket: the models of the source tree; laptop: edge and frontier; "
        "three-tier: every knob.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")]


def init(
    file: File = Path("upshift.yaml"),
    template: FromTemplate = Template.ECHO,
    force: Force = False,
    json: given.Json = False,
) -> None:
    """Write a commented configuration to start from; never overwrites without --force."""
    text = _adapted(_template_path(template))
    try:
        with file.open("w" if force else "x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError as exc:
        message = f"{file} exists; --force overwrites it"
        raise Fault(message, code=ExitCode.WRONG, reason="FILE_EXISTS") from exc
    except OSError as exc:
        raise Fault(f"{file} cannot be written: {exc.strerror}") from exc
    if json:
        from json import dumps

        print(dumps({"file": str(file), "template": template.value}))
    else:
        print(f"wrote {file}; next: upshift serve {file}")


def _template_path(template: Template) -> Path:
    """Where the template is: in the wheel beside this file, in a source tree under examples/."""
    here = Path(__file__)
    for folder in (here.with_name("templates"), here.parents[2] / "examples"):
        path = folder / f"{template.value}.yaml"
        if path.is_file():
            return path
    raise Fault(f"the template {template.value!r} comes with the source tree only", reason="NO_TEMPLATE")


def _adapted(path: Path) -> str:
    """The template's text with paths that hold wherever it is written."""
    from router.config.schema import SCHEMA_PATH

    text = path.read_text(encoding="utf-8")
    text = text.replace("$schema=../router/config/upshift.schema.json", f"$schema={SCHEMA_PATH}")
    return text.replace("pocket/weights/", f"{path.parent}/pocket/weights/")
