"""The site's certificate authority: its key is in the vault, servers' keys never leave them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.errors import SecretError, ServiceError
from orchestrator.model.hardware import Server
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import Clock, SecretStore

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, Name

AUTHORITY = SecretRef("secret://ca/site")
"""The authority's private key and its certificate, as PEM, one after the other."""

AUTHORITY_YEARS = 10
CERTIFICATE_DAYS = 365
BACKDATED = timedelta(minutes=10)
"""Hosts' clocks are not all right to the second."""


@dataclass(frozen=True, slots=True)
class SiteAuthority:
    """The CertificateAuthority port; the authority is made when it is first asked for."""

    site: str
    secrets: SecretStore
    clock: Clock

    def certificate(self) -> str:
        """Return the authority's certificate."""
        return _pem(self._open()[1])

    def sign(self, request: str, *, server: Server) -> str:
        """Return a certificate for a server.

        Raises:
            ServiceError: the request is not the server's own, or asks for another's names.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.x509.oid import ExtendedKeyUsageOID

        asked = _checked(request, server)
        key, authority = self._open()
        now = self.clock.now()
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        made = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(authority.subject)
            .public_key(asked.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(key, SHA256())
        )
        return _pem(made)

    def _open(self) -> tuple[EllipticCurvePrivateKey, Certificate]:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if AUTHORITY not in self.secrets.names():
            self.secrets.put({AUTHORITY: self._make()})
        text = self.secrets.get(AUTHORITY).reveal().encode()
        try:
            key = load_pem_private_key(text, password=None)
            certificate = x509.load_pem_x509_certificate(text)
        except ValueError:
            key = None
        if not isinstance(key, EllipticCurvePrivateKey):
            raise SecretError(
                f"{AUTHORITY} is no private key with its certificate",
                remedy="Restore the vault from its backup.",
            )
        return key, certificate

    def _make(self) -> Secret:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        key = ec.generate_private_key(ec.SECP256R1())
        name, now = _name(f"{self.site} site authority"), self.clock.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + timedelta(days=365 * AUTHORITY_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, SHA256())
        )
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Secret(plain.decode() + _pem(certificate))


def _checked(request: str, server: Server) -> x509.CertificateSigningRequest:
    """Return the request, where it asks for this server and nothing else."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        asked = x509.load_pem_x509_csr(request.encode())
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise ServiceError(f"{server.name}: its request for a certificate is none") from error
    called = [one.value for one in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    wanted = {server.name, str(server.address)}
    if called != [server.name] or {str(name.value) for name in names} != wanted:
        raise ServiceError(
            f"{server.name}: it asks for a certificate of others: {', '.join(map(str, called))}",
            remedy="Do not go on before you know what runs there.",
        )
    if not asked.is_signature_valid:
        raise ServiceError(f"{server.name}: its request for a certificate is not signed by its key")
    return asked


def _name(text: str) -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()
