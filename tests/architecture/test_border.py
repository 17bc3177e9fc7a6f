"""Nothing asks a model but across the border, and the border lets nothing else through."""

from __future__ import annotations

import ast
from pathlib import Path

from backends.base import Backend, Embedder, Loaded
from backends.echo import EchoBackend, EchoOptions
from policies.arms import Arm
from router.arm_tier import ArmTier
from router.privacy.border import Border
from router.tiers import Limits, Price, Tier

ROOT = Path(__file__).parents[2]
# They read what a backend's class says of itself, and ask nothing.
MAKERS = {"router/build.py", "router/cli/rehearsal.py", "router/config/options.py"}


def _names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _attributes(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_every_tier_stands_behind_it() -> None:
    """Tiers and arms of tiers, whoever makes them."""
    tier = Tier("edge", "echo", EchoBackend(EchoOptions()), Price(), Limits())
    arm = ArmTier(tier, Arm(tier="edge", samples=2))
    assert isinstance(tier.backend, Border)
    assert isinstance(arm.backend, Border)


def test_only_one_place_makes_backends() -> None:
    """Elsewhere there are tiers, and so no way around."""
    makers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "router").rglob("*.py")
        if "backend_class" in _names(path)
    }
    assert makers == MAKERS


def test_nobody_reaches_behind_it() -> None:
    """What it guards is its own."""
    inside = {"router/privacy/border.py"}
    reaching = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "router").rglob("*.py")
        if "_backend" in _attributes(path)
    }
    assert reaching <= inside


def test_it_offers_what_a_backend_does_and_no_more() -> None:
    """A new way to ask a backend must pass here first."""
    seam = {name for kind in (Backend, Embedder, Loaded) for name in vars(kind) if not name.startswith("_")}
    offered = {name for name in vars(Border) if not name.startswith("_")}
    # Whether there is a model that embeds at all is said here, so that nobody asks the model itself.
    assert offered == seam | {"embeds"}
