"""The configuration: one strict YAML file, and errors that say where and what to write instead."""

from router.config.doors import (
    AdminConfig,
    AuthConfig,
    LedgerConfig,
    TenantBudgetConfig,
    TenantConfig,
    TenantLimitsConfig,
    TlsConfig,
)
from router.config.load import load, parse
from router.config.model import (
    Config,
    ConstraintsConfig,
    DifficultyConfig,
    EnergyConfig,
    JournalConfig,
    LimitsConfig,
    MatchConfig,
    PolicyConfig,
    PriceConfig,
    ServerConfig,
    TierConfig,
)
from router.config.objective import ObjectiveConfig
from router.config.problems import ConfigError, Position, Problem
from router.config.schema import config_schema

__all__ = [
    "AdminConfig",
    "AuthConfig",
    "Config",
    "ConfigError",
    "ConstraintsConfig",
    "DifficultyConfig",
    "EnergyConfig",
    "JournalConfig",
    "LedgerConfig",
    "LimitsConfig",
    "MatchConfig",
    "ObjectiveConfig",
    "PolicyConfig",
    "Position",
    "PriceConfig",
    "Problem",
    "ServerConfig",
    "TenantBudgetConfig",
    "TenantConfig",
    "TenantLimitsConfig",
    "TierConfig",
    "TlsConfig",
    "config_schema",
    "load",
    "parse",
]
