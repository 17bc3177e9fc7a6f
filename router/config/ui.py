"""The pages for those who run the server: the section `ui`."""

from __future__ import annotations

from pydantic import Field

from router.config.section import Name, Section


class UiConfig(Section):
    """Pages that show what the router does, at `/ui` of the HTTP port; wants the extra `gateway`.

    Behind an admin key where `auth.keys` are set. Without keys they open to this machine alone.
    """

    enabled: bool = True
    """Whether there are such pages where the HTTP port listens on this machine only."""
    allow_beyond_loopback: bool = False
    """Whether there are also where other machines can reach the port; needs `auth.keys`."""
    session_hours: float = Field(default=8.0, gt=0.0, le=168.0, allow_inf_nan=False)
    """Hours after which a login ends; a key that is revoked ends its logins at once."""
    baseline: Name | None = None
    """Tier that always asking stands for what would have been paid; unset: the dearest one."""
    # Measured: 0.28 ms of CPU a request of the pocket tiers, with some 50 signals an attempt.
    history_request_count: int = Field(default=5_000, ge=100, le=1_000_000)
    """Most of the newest requests in the journal that quality and simulation are reckoned from; a look at
    10,000 takes some seconds of the server's time."""
