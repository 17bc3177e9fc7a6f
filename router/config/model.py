"""What a configuration may say: the shape of the YAML file, its units and its defaults.

Decides names, types and ranges. What holds between parts of the file is for ``checks.py``; what a
backend, a policy or an estimator takes as options is for that part's own ``Options`` model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from router.config.documents import DocumentsConfig
from router.config.doors import AdminConfig, AuthConfig, LedgerConfig, TenantConfig, TlsConfig
from router.config.gateway import GatewayConfig
from router.config.objective import NoOptions, ObjectiveConfig, Options, fold
from router.config.observing import EnergyUseConfig, LogsConfig, MetricsConfig, TracingConfig
from router.config.privacy import PrivacyConfig
from router.config.resilience import ResilienceConfig
from router.config.section import Label, Listen, Name, Seconds, Section, Usd

_MICROS = 1_000_000

Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]

Days = Annotated[float, Field(gt=0.0, le=36_500.0, allow_inf_nan=False)]


class ServerConfig(Section):
    """Where the server listens and how much it takes on."""

    listen: Listen = "127.0.0.1:50051"
    """``host:port`` (port 0: any free one) or ``unix:/path/to/socket``."""
    reflection: bool = True
    """Whether clients may ask which services there are."""
    default_timeout_s: Seconds = 60.0
    """Seconds that a request may take where its client sets no deadline."""
    max_concurrent_requests: int = Field(default=256, ge=1, le=100_000)
    """Requests in flight; further ones are turned away with RESOURCE_EXHAUSTED."""
    drain_grace_s: float = Field(default=10.0, ge=0.0, le=3600.0)
    """Seconds that requests in flight get to finish after SIGTERM."""
    max_message_bytes: int = Field(default=4_194_304, ge=1024, le=1_073_741_824)
    """Largest message that is taken from a client."""
    max_prompt_bytes: int = Field(default=1_048_576, ge=1, le=1_073_741_824)
    """Most text, in bytes of UTF-8, that a request may hold."""
    max_metadata_bytes: int = Field(default=8_192, ge=1024, le=1_048_576)
    """Most metadata (headers) that is taken with a call; beyond it calls are turned away."""
    tls: TlsConfig | None = None
    """Encryption; unset: none."""
    allow_insecure_listen: bool = False
    """Whether to listen where other machines can reach it, though encryption or authentication is missing."""


class JournalConfig(Section):
    """Where decisions are recorded."""

    path: Path | None = None
    """SQLite file, relative to the configuration; null: nothing is recorded, and no feedback taken."""
    store_prompts: bool = False
    """Whether prompts and answers are stored too, not only what was decided about them."""
    redact: bool = False
    """Whether stand-ins replace personal data in what is stored, for good: the values are not kept."""
    prompt_retention_days: Days | None = None
    """Days after which stored prompts and answers are deleted; unset: with their record."""
    retention_days: Days | None = None
    """Days after which records are deleted, with their feedback and audits; unset: never."""


class DifficultyConfig(Section):
    """How the quality of a tier's answer is predicted before it runs."""

    estimator: str = "heuristic"
    """Name of an estimator; `linear` takes what it has learnt from `learnt`."""
    options: Options = NoOptions()
    """The estimator's own options."""


class ProbeConfig(Section):
    """A further model call about an answer; every further key is an option of that probe."""

    probe: str
    """Name of a probe."""
    options: Options = NoOptions()
    """The probe's own options; in the file they stand beside `probe`."""

    @model_validator(mode="before")
    @classmethod
    def _fold_options(cls, value: Any) -> Any:
        return fold(value, "probe")


class ConfidenceConfig(Section):
    """How sure one may be of an answer after it is given."""

    uncalibrated: Literal["none", "token_probability"] = "none"
    """What stands in for tiers that `learnt` does not calibrate: nothing, so that their predicted
    quality counts, or the mean probability of their tokens, which orders answers but promises nothing."""
    costly_signals: Literal["if_useful", "always"] = "if_useful"
    """When a look at an answer that takes more than a moment, such as parsing its code, is taken: while it
    can change what is decided, or on every answer, so that all can be learnt from."""
    probes: Annotated[tuple[ProbeConfig, ...], Field(max_length=8)] = ()
    """Further model calls about an answer, paid for by the request that it is for; empty: none. They run
    where they can change the decision, in the order of usefulness for their cost: as `learnt` tells what
    they add, or as `uncalibrated` lets them guess. Never under a certificate, which was tested without."""


class PriceConfig(Section):
    """What tokens cost, in US dollars.

    Budgets reckon with the full price of what is read, so that of a cache is no higher.
    """

    input_usd_per_million_tokens: Usd = 0.0
    """Price of a million tokens read."""
    output_usd_per_million_tokens: Usd = 0.0
    """Price of a million tokens written, reasoning included."""
    cached_input_usd_per_million_tokens: Usd | None = None
    """Price of a million tokens read from the provider's cache; unset: as of all that is read."""

    @field_validator("cached_input_usd_per_million_tokens")
    @classmethod
    def _check_discount(cls, cached: float | None, info: ValidationInfo) -> float | None:
        full = info.data.get("input_usd_per_million_tokens", 0.0)
        if cached is not None and cached > full:
            raise ValueError(f"must be at most input_usd_per_million_tokens, {full:g}, not {cached:g}")
        return cached

    @property
    def input_usd_micros_per_million(self) -> int:
        """Price of a million tokens read, in millionths of a US dollar."""
        return round(self.input_usd_per_million_tokens * _MICROS)

    @property
    def output_usd_micros_per_million(self) -> int:
        """Price of a million tokens written, in millionths of a US dollar."""
        return round(self.output_usd_per_million_tokens * _MICROS)

    @property
    def cached_input_usd_micros_per_million(self) -> int | None:
        """Price of a million tokens read from a cache, in millionths of a US dollar; None: of no other."""
        cached = self.cached_input_usd_per_million_tokens
        return None if cached is None else round(cached * _MICROS)


class LimitsConfig(Section):
    """How many requests a tier takes at once, and how far one attempt may go."""

    concurrency: int = Field(default=8, ge=1, le=10_000)
    """Attempts that run at once."""
    queue: int = Field(default=256, ge=0, le=100_000)
    """Attempts that may wait, high priorities first; further ones count as overload, low priorities first."""
    max_wait_s: Seconds | None = None
    """Longest wait, in seconds; an attempt that waited so long counts as overload, and one that is expected
    to does at once. Unset: as long as it has time."""
    timeout_s: Seconds = 60.0
    """Seconds that one attempt may take, waiting included."""
    max_output_token_count: int | None = Field(default=None, ge=1)
    """Most tokens that one attempt may write; unset: the model's own limit."""
    typical_latency_s: Seconds = 1.0
    """Seconds that cheaper tiers keep back for this one when a deadline is near, and that an answer is
    expected to take until some were measured."""


class EnergyConfig(Section):
    """What a tier draws, for policies that give energy a price."""

    watts: float = Field(default=0.0, ge=0.0, le=1e6, allow_inf_nan=False)
    """Power that one attempt takes while it runs."""
    joules_per_token: float = Field(default=0.0, ge=0.0, le=1e6, allow_inf_nan=False)
    """Energy of every token, read or written."""


class TierConfig(Section):
    """One model with a name and a price."""

    name: Name
    """What policies, clients and the journal call it."""
    backend: str
    """Name of the backend that runs the model."""
    options: Options = NoOptions()
    """The backend's own options."""
    price: PriceConfig = PriceConfig()
    """What its tokens cost."""
    limits: LimitsConfig = LimitsConfig()
    """How much it takes on."""
    energy: EnergyConfig = EnergyConfig()
    """What it draws."""
    resilience: ResilienceConfig = ResilienceConfig()
    """How it is protected from overload, and requests from its faults."""

    @field_validator("resilience")
    @classmethod
    def _check_least(cls, resilience: ResilienceConfig, info: ValidationInfo) -> ResilienceConfig:
        limits: LimitsConfig = info.data.get("limits", LimitsConfig())
        least = resilience.adaptive.min_concurrency
        if least > limits.concurrency:
            raise ValueError(
                f"adaptive.min_concurrency, {least}, is above limits.concurrency, {limits.concurrency}"
            )
        return resilience


class ConstraintsConfig(Section):
    """What holds for every request under a policy; a request can tighten it and never loosen it."""

    min_confidence: Probability | None = None
    """Least calibrated confidence to accept below the top tier."""
    max_cost_usd: Usd | None = None
    """Most money that a request may cost over all its attempts."""
    max_attempt_count: int | None = Field(default=None, ge=1, le=1000)
    """Most attempts."""
    local_only: bool = False
    """Whether requests must stay on this machine."""
    redact: bool = False
    """Whether stand-ins replace personal data in prompts to external tiers; answers get the values back."""

    @property
    def max_cost_usd_micros(self) -> int | None:
        """Most money, in millionths of a US dollar; None: no limit."""
        return None if self.max_cost_usd is None else round(self.max_cost_usd * _MICROS)


class MatchConfig(Section):
    """Which requests a policy is for; each list holds alternatives, and an empty one means any."""

    tags: tuple[Label, ...] = ()
    """One of these is among the request's tags."""
    tenants: tuple[Label, ...] = ()
    """The request's tenant is one of these."""


class PolicyConfig(Section):
    """A way to decide: a ladder of tiers, a rule, its constraints, and whom it is for."""

    name: Name
    """What clients ask for it by, and what the journal calls it."""
    ladder: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    """Names of tiers, cheapest first."""
    objective: ObjectiveConfig
    """The rule that decides between them."""
    constraints: ConstraintsConfig = ConstraintsConfig()
    """What holds for every request under it."""
    hedge: bool = False
    """Whether a second call is made beside one whose first token is late; what speaks first is kept, and the
    request pays for both."""
    match: MatchConfig = MatchConfig()
    """Whom it is for; empty: everybody who asks for no other policy."""


class Config(Section):
    """A whole configuration."""

    version: Literal[1]
    """Version of this format."""
    server: ServerConfig = ServerConfig()
    """Where the server listens and how much it takes on."""
    gateway: GatewayConfig = GatewayConfig()
    """OpenAI's and Anthropic's APIs over HTTP."""
    auth: AuthConfig = AuthConfig()
    """Who may call."""
    admin: AdminConfig = AdminConfig()
    """The port for those who run the server."""
    tenants: Annotated[tuple[TenantConfig, ...], Field(max_length=10_000)] = ()
    """What each tenant may ask for and spend; those not named here, and not by `*`, are not limited."""
    ledger: LedgerConfig = LedgerConfig()
    """Where the money of tenants is counted."""
    metrics: MetricsConfig = MetricsConfig()
    """Figures for Prometheus."""
    tracing: TracingConfig = TracingConfig()
    """Spans for OpenTelemetry."""
    logs: LogsConfig = LogsConfig()
    """What is written to standard error."""
    energy: EnergyUseConfig = EnergyUseConfig()
    """How the energy of requests is accounted for."""
    privacy: PrivacyConfig = PrivacyConfig()
    """What is looked for in prompts, and what is kept from external tiers."""
    journal: JournalConfig = JournalConfig()
    """Where decisions are recorded."""
    learnt: Path | None = None
    """What difficulty and calibration have learnt, relative to the configuration; null: nothing."""
    difficulty: DifficultyConfig = DifficultyConfig()
    """How the quality of a tier's answer is predicted before it runs; unset: by its rank in price."""
    confidence: ConfidenceConfig = ConfidenceConfig()
    """How sure one may be of an answer after it is given."""
    documents: DocumentsConfig = DocumentsConfig()
    """How documents are read."""
    tiers: Annotated[tuple[TierConfig, ...], Field(min_length=1, max_length=256)]
    """The models, in any order."""
    policies: Annotated[tuple[PolicyConfig, ...], Field(min_length=1, max_length=256)]
    """The ways to decide; the first whose match rule fits holds, and the last one matches everybody."""
