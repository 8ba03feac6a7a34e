"""Certificates for small sites and tests: an authority of one's own, and what it issues.

TLS keeps strangers and onlookers away; what the protocol relies on are the signatures of
identities, which hold with or without it. ECDSA P-256, SHA-256, PEM, PKCS #8.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from blindsum_crypto.errors import Refused, Rejected

_CLOCK_LEEWAY: Final = timedelta(minutes=5)
_MAX_COMMON_NAME: Final = 64  # X.520's upper bound

CertificateAndKey = tuple[bytes, bytes]


def create_authority(name: str, days: int) -> CertificateAndKey:
    """A self-signed authority that may issue leaf certificates and no further authorities.

    Args:
        name: Its common name, 1 to 64 characters.
        days: Validity from now, 1 or more.

    Returns:
        Certificate and unencrypted private key, PEM. The key is written nowhere by this function.

    Raises:
        Refused: `certificate-name`, `certificate-days`.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = (
        _builder(subject, subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return _signed(builder, key, key)


def issue(authority: CertificateAndKey, names: Sequence[str], days: int) -> CertificateAndKey:
    """A certificate that serves both as a server's and as a client's.

    Args:
        authority: Certificate and key, from `create_authority`.
        names: DNS names and IP addresses; the first is the common name too.
        days: Validity from now, 1 or more; cut to the authority's own.

    Returns:
        Certificate and unencrypted private key, PEM.

    Raises:
        Refused: `certificate-name` when there is no name, `certificate-days`.
        Rejected: `authority` when the two files are no certificate and key of one authority.
    """
    if not names:
        raise Refused("certificate-name", "expected at least one DNS name or IP address")
    issuer, signer = _authority(*authority)
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    issuer_key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name(names[0]), issuer.subject, key.public_key(), days, issuer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key),
            critical=False,
        )
    )
    return _signed(builder, key, signer)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    days: int,
    authority: x509.Certificate | None = None,
) -> x509.CertificateBuilder:
    if days < 1:
        raise Refused("certificate-days", f"expected 1 or more days, got {days}")
    now = datetime.now(UTC)
    end = now + timedelta(days=days)
    if authority is not None:
        end = min(end, authority.not_valid_after_utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_LEEWAY)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
) -> CertificateAndKey:
    certificate = builder.sign(signer, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _authority(
    certificate_pem: bytes, key_pem: bytes
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise Rejected("authority", "expected a certificate and its key as PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Rejected("authority", "expected an ECDSA key")
    if key.public_key() != certificate.public_key():
        raise Rejected("authority", "expected the certificate's own key")
    return certificate, key


def _name(common_name: str) -> x509.Name:
    if not 1 <= len(common_name) <= _MAX_COMMON_NAME:
        raise Refused("certificate-name", f"expected 1 to {_MAX_COMMON_NAME} characters")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
