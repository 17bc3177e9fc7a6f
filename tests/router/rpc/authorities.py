"""Certificates for tests: an authority, and what it vouches for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from router.config import TlsConfig

_DAY = timedelta(days=1)


class Authority:
    """Signs certificates into files below ``folder``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _certificate(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, as_: str = "") -> tuple[Path, Path]:
        """Write a certificate of ``name`` for this machine and its key; ``as_`` names the files."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        )
        builder = _certificate(_name(name), self._name, key).add_extension(names, critical=False)
        files = (self._folder / f"{as_ or name}.crt", self._folder / f"{as_ or name}.key")
        files[0].write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def server(self, name: str = "server", *, client_ca: Path | None = None) -> TlsConfig:
        """Settings of a server with a new certificate of this authority."""
        certificate, private_key = self.issue(name, as_="server")
        return TlsConfig(certificate=certificate, private_key=private_key, client_ca=client_ca)


def subject(certificate: bytes) -> str:
    """The name in a certificate, given in DER."""
    found = x509.load_der_x509_certificate(certificate).subject
    return str(found.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
