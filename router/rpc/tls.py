"""Encryption of the port: certificates from files, read anew when they change.

gRPC asks at every handshake, so that a renewed certificate is shown to the next connection without a
restart; connections that stand stay. Files that do not fit together are refused at the start, and later
leave the last good ones in place. Refuses to know who may call.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from router.config.doors import TlsConfig

# Files are looked at this often at most, however many connect.
REFRESH_INTERVAL_S = 1.0
_LOG = logging.getLogger(__name__)


class TlsError(Exception):
    """The files cannot be read or do not fit together; the message says which."""


class Certificates:
    """What the server shows, from the files of ``settings``; ``timer`` gives any steady seconds."""

    def __init__(self, settings: TlsConfig, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._timer = timer
        self._seen: object = None
        self._due_s = 0.0

    def credentials(self) -> grpc.ServerCredentials:
        """Make what gRPC listens with. Raises TlsError."""
        first = self._read()
        return grpc.dynamic_ssl_server_credentials(
            first,
            self._changed,  # type: ignore[arg-type]  # None means "unchanged" to gRPC; its stubs do not know
            require_client_authentication=self._settings.client_ca is not None,
        )

    def _read(self) -> grpc.ServerCertificateConfiguration:
        self._due_s = self._timer() + REFRESH_INTERVAL_S
        self._seen = signature_of(self._settings)
        files = self._settings
        check_files(files)
        try:
            pair = (files.private_key.read_bytes(), files.certificate.read_bytes())
            authorities = None if files.client_ca is None else files.client_ca.read_bytes()
        except OSError as exc:
            raise TlsError(f"{exc.filename} cannot be read: {exc.strerror}") from exc
        return grpc.ssl_server_certificate_configuration([pair], authorities)

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Give new certificates where there are any; gRPC calls this, on a thread of its own."""
        if self._timer() < self._due_s:
            return None
        self._due_s = self._timer() + REFRESH_INTERVAL_S
        if signature_of(self._settings) == self._seen:
            return None
        try:
            found = self._read()
        except TlsError as exc:
            _LOG.error("the certificate stays as it was: %s", exc)
            return None
        _LOG.info("%s has changed and is shown from now on", self._settings.certificate)
        return found


def signature_of(files: TlsConfig) -> object:
    """What changes when one of ``files`` does."""
    paths = (files.certificate, files.private_key, files.client_ca)
    return tuple(_seen(path) for path in paths if path is not None)


def check_files(files: TlsConfig) -> None:
    """Raise TlsError where the key is not the certificate's, or a file holds something else."""
    for path in (files.certificate, files.private_key, files.client_ca):
        if path is not None and not path.is_file():
            raise TlsError(f"{path} is not there; server.tls names PEM files")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            files.certificate, files.private_key, password=_no_password
        )
    except (ssl.SSLError, OSError, ValueError) as exc:
        raise TlsError(
            f"{files.certificate} and {files.private_key} are no certificate and its key: {_why(exc)}"
        ) from exc
    if files.client_ca is not None:
        try:
            ssl.create_default_context(cafile=str(files.client_ca))
        except (ssl.SSLError, OSError) as exc:
            raise TlsError(f"{files.client_ca} holds no certificates: {_why(exc)}") from exc


def _no_password() -> str:
    raise ValueError("the private key is encrypted; it must not be")


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)


def _seen(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
