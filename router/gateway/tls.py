"""Encryption of the HTTP port, from the same files as gRPC's; renewed ones are shown without a restart."""

from __future__ import annotations

import asyncio
import logging
import ssl

from router.config.doors import TlsConfig
from router.rpc.tls import REFRESH_INTERVAL_S, TlsError, check_files, signature_of

_LOG = logging.getLogger(__name__)


class Encryption:
    """The context that connections are encrypted by. Making it raises TlsError."""

    def __init__(self, files: TlsConfig) -> None:
        check_files(files)
        self._files = files
        self._seen = signature_of(files)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(files.certificate, files.private_key)
        if files.client_ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(files.client_ca)

    async def follow(self) -> None:
        """Show new certificates to those who connect from then on; runs until it is cancelled."""
        while True:
            await asyncio.sleep(REFRESH_INTERVAL_S)
            if (seen := signature_of(self._files)) != self._seen:
                self._seen = seen
                self._renew()

    def _renew(self) -> None:
        try:
            check_files(self._files)
            self.context.load_cert_chain(self._files.certificate, self._files.private_key)
        except (TlsError, OSError) as exc:
            _LOG.error("the certificate of the HTTP port stays as it was: %s", exc)
