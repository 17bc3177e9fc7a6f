"""The new policy: a whole configuration, or one policy put into the configuration that is there.

Decides how such a file reads, and keeps its own lines in what is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from policies.artefact import load as load_learnt
from policies.base import Policy
from policies.certified import Certified
from policies.fixed import FixedOptions
from policies.joint import Joint
from policies.learnt import Learnt
from policies.mix import MixOptions
from policies.registry import POLICIES
from router.certificates.found import warrant_for
from router.config import Config, ConfigError, PolicyConfig, load, parse
from router.config.objective import ObjectiveConfig
from router.config.order import by_price
from router.config.problems import Position, Problem
from router.simulate.errors import SimulationError


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A policy with the configuration that it would decide in, and what was learnt there; None: nothing."""

    config: Config
    described: PolicyConfig
    policy: Policy
    learnt: Learnt | None

    @property
    def name(self) -> str:
        """What the policy is called."""
        return self.described.name

    @property
    def joint(self) -> Joint:
        """How its tiers hang together, as far as that was learnt."""
        return Joint() if self.learnt is None else self.learnt.joint


def proposal_of(config: Config, described: PolicyConfig) -> Proposal:
    """Make the policy that ``described`` is; a certified one decides by its certificate, if it holds now.

    Raises policies.artefact.ArtefactError, CertificateError and OSError.
    """
    learnt = load_learnt(config.learnt) if config.learnt else None
    rule: Any = POLICIES.load(described.objective.rule)
    policy: Policy = rule(described.objective.options, None if learnt is None else learnt.joint)
    if isinstance(policy, Certified):
        permit = warrant_for(policy, described, config).permit(frozenset())
        policy = policy if permit is None else permit.policy
    return Proposal(config, described, policy, learnt)


def baseline(name: str, config: Config) -> PolicyConfig | None:
    """The policy that ``always-TIER`` or ``random-mix`` stands for on the tiers of ``config``; None: neither.

    A random mix draws every tier equally often. Raises SimulationError for a tier that is not there.
    """
    tiers = by_price(config)
    options: FixedOptions | MixOptions
    if name == "random-mix":
        rule, options = "mix", MixOptions(weights=dict.fromkeys(tiers, 1.0))
    elif name.startswith("always-"):
        rule, options = "fixed", FixedOptions(tier=name.removeprefix("always-"))
        if options.tier not in tiers:
            raise SimulationError(f"no tier is called {options.tier!r}; known: {', '.join(tiers)}")
    else:
        return None
    objective = ObjectiveConfig.model_construct(rule=rule, options=options)
    return PolicyConfig.model_construct(name=name, ladder=tuple(tiers), objective=objective)


def existing(config: Config, name: str | None) -> PolicyConfig:
    """The policy called ``name``, else the first. Raises SimulationError where there is none."""
    if name is None:
        return config.policies[0]
    for policy in config.policies:
        if policy.name == name:
            return policy
    known = ", ".join(policy.name for policy in config.policies)
    raise SimulationError(f"no policy is called {name!r} in the configuration; known: {known}")


def read_proposal(file: Path, config_file: Path | None) -> tuple[Config, PolicyConfig]:
    """Read the new policy: the first of a whole configuration, or one policy for ``config_file``'s tiers.

    Raises ConfigError with the lines of ``file``, and SimulationError where a policy has no tiers.
    """
    text = _read(file)
    if _is_whole(text, file):
        config = load(file, allow_unset_env=True)
        return config, config.policies[0]
    if config_file is None:
        raise SimulationError(f"{file}: it is one policy and names no tiers of its own; give --config too")
    base = _without_policies(config_file)
    lines = text.splitlines() or [""]
    indented = "\n".join(["- " + lines[0], *("  " + line for line in lines[1:])])
    named = "" if any(line.startswith("name:") for line in lines) else f"\n  name: {file.stem}"
    head = f"{base}policies:\n"
    try:
        config = parse(
            f"{head}{indented}{named}\n", source=str(file), directory=config_file.parent, allow_unset_env=True
        )
    except ConfigError as exc:
        raise ConfigError(tuple(_placed(problem, head.count("\n")) for problem in exc.problems)) from exc
    return config, config.policies[0]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise SimulationError(f"{file}: it is not UTF-8 at byte {exc.start}") from exc


def _is_whole(text: str, file: Path) -> bool:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise SimulationError(f"{file}: it is no YAML: {' '.join(str(exc).split())}") from exc
    if not isinstance(data, dict):
        raise SimulationError(
            f"{file}: it is neither a policy nor a configuration; a policy has `ladder` and `objective`"
        )
    return "version" in data


def _without_policies(config_file: Path) -> str:
    """The tiers and all else of a configuration that was checked, as YAML."""
    load(config_file, allow_unset_env=True)
    data: dict[str, Any] = yaml.safe_load(config_file.read_text(encoding="utf-8-sig"))
    del data["policies"]
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def _placed(problem: Problem, line_count: int) -> Problem:
    """Give a problem its place in the file that the policy was read from."""
    line, column = problem.position.line - line_count, problem.position.column - 2
    return replace(problem, position=Position(max(1, line), max(1, column)))


def draw_shares(config: Config, policy: str) -> dict[str, float] | None:
    """Probability by tier that the policy called ``policy`` draws it; None: it draws none at random.

    A policy that the configuration does not know counts as one that decides by itself.
    """
    for described in config.policies:
        options = described.objective.options
        if described.name == policy and isinstance(options, MixOptions):
            total = sum(options.weights.values())
            return {tier: weight / total for tier, weight in options.weights.items()}
    return None
