"""Who may come in, how much they may ask for, and what they may spend: the sections of the doors."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from router.config.section import Label, Listen, Section, Usd

_MICROS = 1_000_000

ANY_TENANT = "*"
"""Names, in the list of tenants, every tenant that the list does not name; each has its own account."""


class TlsConfig(Section):
    """Encryption. The files are read anew when they change, without a restart."""

    certificate: Path
    """PEM file of the server's certificate and its chain, relative to the configuration."""
    private_key: Path
    """PEM file of its private key, not encrypted."""
    client_ca: Path | None = None
    """PEM file of the authorities whose client certificates are wanted (mTLS); null: none is asked for."""


class AuthConfig(Section):
    """Who may call."""

    keys: Path | None = None
    """File of API keys, relative to the configuration, as `upshift keys` writes it; null: all may call."""


class AdminConfig(Section):
    """The port for those who run the server."""

    listen: Listen | None = None
    """`host:port` of the admin service, which takes keys of the scope `admin`; null: there is none.
    Reflection is served there too, and no longer beside the other calls."""
    audit: Path | None = None
    """File of JSON lines that every admin call is written to, relative to the configuration."""
    versions: Path | None = None
    """Folder that keeps the configurations that were served, relative to the configuration; unset: beside
    it, under its name with `.versions` behind."""


class TenantLimitsConfig(Section):
    """How much a tenant may ask for; every server process counts for itself."""

    requests_per_s: float | None = Field(default=None, gt=0.0, le=1e6, allow_inf_nan=False)
    """Requests a second on average."""
    burst: int | None = Field(default=None, ge=1, le=1_000_000)
    """Requests at once after a pause; unset: those of one second."""
    tokens_per_minute: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Tokens read and written a minute, of all attempts."""


class TenantBudgetConfig(Section):
    """What a tenant may spend, over all server processes that share the ledger; days and months are UTC's."""

    usd_per_day: Usd | None = None
    """Most money a day."""
    usd_per_month: Usd | None = None
    """Most money a month."""

    @property
    def usd_micros_per_day(self) -> int | None:
        """Most money a day, in millionths of a US dollar; None: no limit."""
        return None if self.usd_per_day is None else round(self.usd_per_day * _MICROS)

    @property
    def usd_micros_per_month(self) -> int | None:
        """Most money a month, in millionths of a US dollar; None: no limit."""
        return None if self.usd_per_month is None else round(self.usd_per_month * _MICROS)

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.usd_per_day is not None or self.usd_per_month is not None


class TenantConfig(Section):
    """What a tenant may ask for and spend."""

    name: Label
    """Its name, as keys and requests have it; `*` stands for every tenant that is not in the list."""
    limits: TenantLimitsConfig = TenantLimitsConfig()
    """How much it may ask for."""
    budget: TenantBudgetConfig = TenantBudgetConfig()
    """What it may spend."""


class LedgerConfig(Section):
    """Where the money of tenants is counted. Give one of the two, where any tenant has a budget."""

    path: Path | None = None
    """SQLite file, relative to the configuration; server processes of one machine may share it."""
    url: SecretStr | None = None
    """`postgresql://` address of a database that servers of several machines share."""
    books: Path | None = None
    """Folder where a process notes what it is spending, to be settled after a crash; unset: beside `path`,
    or `books` beside the configuration. It must outlive the process, and no two machines may share it."""
    allow_uncounted: bool = False
    """Whether requests are served uncounted while the ledger cannot be reached; else free tiers alone are."""
