"""The site's authority signs what a server asks for itself, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from orchestrator.adapters.site_ca import AUTHORITY, SiteAuthority
from orchestrator.errors import SecretError, ServiceError
from tests.fakes.bmc_site import SecretsInMemory, server
from tests.fakes.site_world import FakeClock

SERVER = replace(server("db-1"), address=ip_address("10.9.2.31"))


def request(common: str = "db-1", dns: str = "db-1", address: str = "10.9.2.31") -> str:
    names = [x509.DNSName(dns), x509.IPAddress(ip_address(address))]
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
    )
    return asked.public_bytes(Encoding.PEM).decode()


def authority(secrets: SecretsInMemory) -> SiteAuthority:
    return SiteAuthority("town", secrets, FakeClock())


def test_a_server_gets_a_certificate_of_the_one_authority() -> None:
    secrets = SecretsInMemory({})
    trusted = x509.load_pem_x509_certificate(authority(secrets).certificate().encode())
    text = authority(secrets).sign(request(), server=SERVER)
    made = x509.load_pem_x509_certificate(text.encode())
    made.verify_directly_issued_by(trusted)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"db-1", "10.9.2.31"}
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "PRIVATE KEY" not in text + authority(secrets).certificate()


@pytest.mark.parametrize(
    "asked",
    [request(common="db-2"), request(dns="db-2"), request(address="10.9.2.32"), "no request"],
    ids=["another's name", "another's DNS name", "another's address", "nothing"],
)
def test_a_request_for_another_is_refused(asked: str) -> None:
    with pytest.raises(ServiceError, match="db-1: "):
        authority(SecretsInMemory({})).sign(asked, server=SERVER)


def test_a_broken_authority_is_told_of_without_its_content() -> None:
    with pytest.raises(SecretError) as caught:
        authority(SecretsInMemory({AUTHORITY: "half of a key"})).certificate()
    assert "half of a key" not in str(caught.value)
