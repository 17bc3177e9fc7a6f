"""Judges what is installed beside the core: the extras, and whether a GPU can be used. Imports none of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

from router.doctor.finding import Finding, State

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_GPUS = {"NVIDIA": "dev/nvidia0", "AMD": "dev/kfd"}


def installed_version(package: str) -> str | None:
    """Version of an installed package; None: it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def extras(
    requirements: Iterable[str] | None = None,
    version_of: Callable[[str], str | None] = installed_version,
) -> Iterator[Finding]:
    """For each extra of Upshift, whether its packages are there.

    ``requirements``: as package metadata writes them; None: Upshift's own.
    """
    wanted: dict[str, set[str]] = {}
    for line in (metadata.requires("upshift") or ()) if requirements is None else requirements:
        extra, name = _EXTRA.search(line), _NAME.match(line)
        if extra and name and name[0] != "upshift":
            wanted.setdefault(extra[1], set()).add(name[0])
    for extra_name, packages in wanted.items():
        missing = sorted(package for package in packages if version_of(package) is None)
        topic = f"extra {extra_name}"
        if missing:
            advice = f"if you want it: pip install 'upshift[{extra_name}]'"
            yield Finding(topic, State.ABSENT, f"{', '.join(missing)} missing", advice)
        else:
            yield Finding(topic, State.OK, f"complete: {len(packages)} packages")


def gpu(root: Path = Path("/"), version_of: Callable[[str], str | None] = installed_version) -> Finding:
    """Whether there is a GPU, and a torch that was built for one."""
    there = next((maker for maker, device in _GPUS.items() if (root / device).exists()), None)
    torch = version_of("torch")
    if there is None:
        return Finding("GPU", State.OK, "none: models compute on the processor")
    if torch is None:
        seen = f"{there}, but torch is not installed"
        return Finding("GPU", State.ABSENT, seen, "if you want it: pip install 'upshift[moe]'")
    if "+cpu" in torch:
        advice = "install a torch that was built for it: https://pytorch.org/get-started/locally"
        return Finding("GPU", State.SLOW, f"{there}, but torch {torch} cannot use it", advice)
    return Finding("GPU", State.OK, f"{there}, torch {torch}")
