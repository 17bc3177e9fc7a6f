"""How a verb comes in at a server's doors: encryption and keys, from options or the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    import grpc

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="UPSHIFT_API_KEY",
        show_envvar=True,
        metavar="KEY",
        help="API key; other users of this machine can see options, so rather set the variable.",
    ),
]
TlsCa = Annotated[
    Path | None,
    typer.Option(
        "--tls-ca",
        envvar="UPSHIFT_TLS_CA",
        metavar="FILE",
        help="Encrypt, and trust servers that these authorities vouch for; `system` takes the system's.",
    ),
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(
        "--tls-certificate", envvar="UPSHIFT_TLS_CERTIFICATE", metavar="FILE", help="Own certificate (mTLS)."
    ),
]
TlsKey = Annotated[
    Path | None,
    typer.Option("--tls-key", envvar="UPSHIFT_TLS_KEY", metavar="FILE", help="Its private key."),
]


class ClientArguments(TypedDict):
    """What clients take beside the address."""

    credentials: grpc.ChannelCredentials | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """What is shown at the door; nothing unless given. Encryption is on where any file is named."""

    key: str | None = field(default=None, repr=False)
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def client_arguments(self) -> ClientArguments:
        """Give what clients take. Raises Fault where only half of a pair is there."""
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise Fault(
                "--tls-certificate and --tls-key go together; give both", code=ExitCode.WRONG, reason="USAGE"
            )
        return {"credentials": self._credentials(), "key": self.key}

    def _credentials(self) -> grpc.ChannelCredentials | None:
        if self.tls_ca is None and self.tls_certificate is None:
            return None
        from router.rpc.client import tls

        ca = None if self.tls_ca == Path("system") else self.tls_ca
        return tls(ca=ca, certificate=self.tls_certificate, private_key=self.tls_key)
