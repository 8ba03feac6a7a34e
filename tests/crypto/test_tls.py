"""Certificates of one's own authority: a real handshake accepts them, and strangers fail."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.tls import CertificateAndKey, create_authority, issue


@pytest.fixture(scope="module")
def authority() -> CertificateAndKey:
    return create_authority("Blindsum test authority", 30)


def handshake(
    folder: Path, authority: bytes, server: CertificateAndKey, client: CertificateAndKey
) -> str:
    """A TLS 1.3 handshake over a socket pair, both sides verified; the client's common name."""
    names = {}
    for name, pair in {"server": server, "client": client}.items():
        names[name] = folder / f"{name}.pem"
        names[name].write_bytes(b"".join(pair))
    contexts = {}
    for name, side in {
        "server": ssl.PROTOCOL_TLS_SERVER,
        "client": ssl.PROTOCOL_TLS_CLIENT,
    }.items():
        context = ssl.SSLContext(side)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.decode())
        context.load_cert_chain(names[name])
        contexts[name] = context
    near, far = socket.socketpair()
    seen: list[str] = []

    def serve() -> None:
        try:
            with contexts["server"].wrap_socket(far, server_side=True) as connection:
                certificate = connection.getpeercert() or {}
                seen.append(dict(pair[0] for pair in certificate["subject"])["commonName"])  # type: ignore[misc]
                connection.send(b"hello")
        except OSError:
            far.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with contexts["client"].wrap_socket(near, server_hostname="aggregator.test") as connection:
            assert connection.recv(5) == b"hello"
    finally:
        near.close()
        thread.join()
    return seen[0]


def test_server_and_client_certificates_complete_a_handshake(
    tmp_path: Path, authority: CertificateAndKey
) -> None:
    server = issue(authority, ["aggregator.test", "127.0.0.1"], 10)
    client = issue(authority, ["cleveland"], 10)
    assert handshake(tmp_path, authority[0], server, client) == "cleveland"


def test_a_certificate_of_another_authority_fails_the_handshake(
    tmp_path: Path, authority: CertificateAndKey
) -> None:
    stranger = create_authority("Blindsum test authority", 30)
    server = issue(stranger, ["aggregator.test"], 10)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, authority[0], server, issue(authority, ["cleveland"], 10))


def test_names_and_addresses_stand_in_the_certificate(authority: CertificateAndKey) -> None:
    certificate = x509.load_pem_x509_certificate(
        issue(authority, ["aggregator.test", "10.0.0.7", "::1"], 10)[0]
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["aggregator.test"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7", "::1"]


def test_a_certificate_does_not_outlive_its_authority(authority: CertificateAndKey) -> None:
    leaf = x509.load_pem_x509_certificate(issue(authority, ["aggregator.test"], 9_999)[0])
    issuer = x509.load_pem_x509_certificate(authority[0])
    assert leaf.not_valid_after_utc == issuer.not_valid_after_utc


def test_an_issued_certificate_cannot_issue(authority: CertificateAndKey) -> None:
    certificate = x509.load_pem_x509_certificate(issue(authority, ["aggregator.test"], 10)[0])
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert constraints.critical
    assert not constraints.value.ca
    assert not usage.value.key_cert_sign


@pytest.mark.parametrize(
    ("names", "days", "rule"),
    [
        ([], 10, "certificate-name"),
        (["x" * 65], 10, "certificate-name"),
        (["aggregator.test"], 0, "certificate-days"),
    ],
)
def test_a_certificate_without_name_or_days_is_refused(
    authority: CertificateAndKey, names: list[str], days: int, rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        issue(authority, names, days)
    assert caught.value.rule == rule


def test_an_authority_whose_files_do_not_belong_together_is_rejected(
    authority: CertificateAndKey,
) -> None:
    _, other_key = create_authority("another", 30)
    for pair in ((authority[0], other_key), (b"no certificate", authority[1]), (authority[0], b"")):
        with pytest.raises(Rejected) as caught:
            issue(pair, ["aggregator.test"], 10)
        assert caught.value.rule == "authority"
