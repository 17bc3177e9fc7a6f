"""The HTTP front door: the section ``gateway``."""

from __future__ import annotations

from router.config.section import Listen, Section


class GatewayConfig(Section):
    """OpenAI's and Anthropic's APIs over HTTP, beside gRPC: the same keys, limits, budgets and encryption."""

    listen: Listen | None = None
    """``host:port`` (port 0: any free one) or ``unix:/path/to/socket``; null: there is none. Beyond this
    machine by the rules of `server`: with `auth.keys` and `server.tls`, or `server.allow_insecure_listen`."""
