"""From a configuration to document settings: routes from its policies, limits, and where steps are kept."""

from __future__ import annotations

from policies.registry import POLICIES
from router.config.documents import DocumentPolicyConfig, DocumentsConfig
from router.documents.assemble import Settings
from router.documents.limits import Limits
from router.documents.route.group import Group
from router.documents.route.routes import ElementRoute
from router.documents.steps import NoSteps, SqliteSteps, Steps


def settings_of(config: DocumentsConfig) -> Settings:
    """What the file asks for."""
    return Settings(
        limits=Limits(bytes=config.max_bytes, pages=config.max_pages),
        worker_count=config.worker_count,
        cpu_usd_per_hour=config.cpu_usd_per_hour,
        routes=tuple(_route(policy) for policy in config.policies),
    )


def steps_of(config: DocumentsConfig) -> Steps:
    """The journal that the file names; close it after use."""
    return NoSteps() if config.journal is None else SqliteSteps(config.journal)


def _route(config: DocumentPolicyConfig) -> ElementRoute:
    rule = POLICIES.load(config.objective.rule)
    options = config.objective.options
    return ElementRoute(
        name=config.name,
        policy=rule(options, None),
        ladder=config.ladder,
        groups=frozenset(Group(name) for name in config.match.elements),
        min_confidence=config.min_confidence,
        max_attempt_count=config.max_attempt_count,
        fingerprint=f"{config.objective.rule}:{options.model_dump_json()}",
    )
