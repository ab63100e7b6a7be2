"""Who signs content credentials: a certificate with its key, a user's own or one made on the spot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shanshui.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Name

SELF_MADE = "Shanshui, self-made and untrusted"
"""The name in certificates that are made here: whoever reads it knows that it proves nothing about a person."""

INSTALL = 'run `pip install "shanshui[provenance]"`'
_YEARS = timedelta(days=3653)
_MINUTES_OF_A_WRONG_CLOCK = timedelta(days=1)
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class Identity:
    """A signer.

    Attributes:
        certificates: PEM, the signer's own first, then those that vouch for it.
        key: PEM of the private key, PKCS #8 without a password.
        algorithm: C2PA's name of the signature.
    """

    certificates: bytes
    key: bytes
    algorithm: str

    def __repr__(self) -> str:
        """Without the key: what is printed ends in logs."""
        return f"Identity({self.algorithm})"


def can_sign() -> bool:
    """Whether the extra `provenance` is installed."""
    return find_spec("c2pa") is not None and find_spec("cryptography") is not None


@cache
def self_made() -> Identity:
    """A certificate for this process, by an authority that signs it and is forgotten: both keys stay in memory.

    Whatever it signs can be seen to be unchanged since. It does not say who signed, and two runs cannot be linked.
    C2PA 2.2, section 14.5.1, wants a certificate that has not signed itself.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _named(f"{SELF_MADE} (authority)")

    def certificate(subject: "Name", key: "EllipticCurvePrivateKey", *extensions: Any) -> bytes:
        now, public = datetime.now(UTC), key.public_key()
        builder = (
            x509.CertificateBuilder(issuer_name=issuer, subject_name=subject, public_key=public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _MINUTES_OF_A_WRONG_CLOCK)
            .not_valid_after(now + _YEARS)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        return _pem(builder.sign(authority, hashes.SHA256()))

    own = certificate(
        _named(SELF_MADE),
        signer,
        x509.BasicConstraints(ca=False, path_length=None),
        _use(digital_signature=True),
        x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION]),
    )
    root = certificate(
        issuer, authority, x509.BasicConstraints(ca=True, path_length=0), _use(key_cert_sign=True, crl_sign=True)
    )
    return Identity(own + root, _secret(signer), "es256")


def of_files(certificates: Path, key: Path) -> Identity:
    """A user's own certificate, with those that vouch for it, and its key.

    Args:
        certificates: PEM, the user's own first.
        key: PEM without a password: EC (P-256, P-384, P-521), Ed25519 or RSA.

    Raises:
        ConfigError: the extra is missing, a file cannot be read, or the two do not belong together.
    """
    if not can_sign():
        raise ConfigError(f"Signing needs c2pa-python and cryptography, which are not installed: {INSTALL}.")
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        chain = x509.load_pem_x509_certificates(_content(certificates))
    except ValueError as error:
        raise ConfigError(f"{certificates} holds no certificate in PEM: give one, with those that vouch for it.") from (
            error
        )
    try:
        secret = load_pem_private_key(_content(key), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{key} holds no private key in PEM without a password: give one.") from error
    if secret.public_key() != chain[0].public_key():
        raise ConfigError(f"{key} is not the key of the first certificate in {certificates}: give the two that match.")
    return Identity(b"".join(map(_pem, chain)), _secret(secret), _algorithm(secret, key))


def _algorithm(secret: Any, key: Path) -> str:
    """C2PA 2.2, section 13.2.1."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    match secret:
        case ec.EllipticCurvePrivateKey() if secret.curve.name in _CURVES:
            return _CURVES[secret.curve.name]
        case ed25519.Ed25519PrivateKey():
            return "ed25519"
        case rsa.RSAPrivateKey():
            return "ps256"
    raise ConfigError(f"{key} is of a kind that C2PA does not know: use P-256, P-384, P-521, Ed25519 or RSA.")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): check the name and its permissions.") from error


def _named(name: str) -> "Name":
    from cryptography import x509

    # Verifiers show the organisation as the one who signed.
    oids = (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME)
    return x509.Name([x509.NameAttribute(oid, name) for oid in oids])


def _use(**wanted: bool) -> Any:
    from cryptography import x509

    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**(dict.fromkeys(names, False) | wanted))


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    content: bytes = certificate.public_bytes(Encoding.PEM)
    return content


def _secret(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    content: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return content
