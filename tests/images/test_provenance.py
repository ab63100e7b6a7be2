"""Manifests are in the file, say what the plain credentials say, and show when anything was changed afterwards."""

import io
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shanshui.errors import ConfigError, ImageError
from shanshui.images import identity as identities
from shanshui.images.credentials import Credentials, Making, credentials_in
from shanshui.images.files import Picture, png_of, read_picture, write_picture
from shanshui.images.identity import SELF_MADE, Identity, of_files, self_made
from shanshui.images.provenance import Note, manifest_in, require_signer

pytest.importorskip("c2pa", reason="manifests need the extra `provenance`")
x509 = pytest.importorskip("cryptography.x509", reason="manifests need the extra `provenance`")

from cryptography.hazmat.primitives import hashes  # noqa: E402 - after the skips
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: E402


def credentials(making: Making = "compositeWithTrainedAlgorithmicMedia") -> Credentials:
    return Credentials(version="0.1.0", model="painter", licence="Apache-2.0", making=making, settings={"seed": 7})


def picture(identity: Identity | None = None, dtype: type = np.uint8) -> Picture:
    pixels: NDArray[Any] = np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(dtype)
    return Picture(pixels, note=Note(credentials=credentials(), identity=identity or self_made()))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refused(*_: Any) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refused)
    yield


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
@pytest.mark.usefixtures("no_network")
def test_every_format_holds_a_manifest_beside_the_plain_credentials(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"made{suffix}"
    write_picture(path, picture())
    manifest = manifest_in(path)
    assert manifest is not None
    assert (manifest.intact, manifest.trusted, manifest.problems) == (True, False, ())
    assert manifest.source_types == ("compositeWithTrainedAlgorithmicMedia",)
    assert manifest.program == "Shanshui 0.1.0"
    assert manifest.record == credentials().as_json() == credentials_in(read_picture(path).metadata)


def test_pixels_are_those_of_an_unsigned_file(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.uint16):
        made = picture(dtype=dtype)
        write_picture(tmp_path / "signed.png", made)
        assert np.array_equal(read_picture(tmp_path / "signed.png").pixels, made.pixels)
        assert manifest_in(tmp_path / "signed.png") is not None


def test_without_a_signer_the_plain_credentials_remain(tmp_path: Path) -> None:
    plain = replace(picture(), note=Note(credentials=credentials(), identity=None))
    write_picture(tmp_path / "made.png", plain)
    assert manifest_in(tmp_path / "made.png") is None
    assert credentials_in(read_picture(tmp_path / "made.png").metadata) == credentials().as_json()


@pytest.mark.parametrize("what", ["pixels", "record"])
def test_a_change_afterwards_is_noticed(what: str, tmp_path: Path) -> None:
    path = tmp_path / "made.png"
    write_picture(path, picture())
    content = path.read_bytes()
    place = content.rindex(b"IDAT") + 40 if what == "pixels" else content.index(b"Apache-2.0")
    path.write_bytes(content[:place] + b"X" + content[place + 1 :])
    manifest = manifest_in(path)
    assert manifest is not None
    assert not manifest.intact
    assert manifest.problems


def test_a_pipe_gets_it_too(tmp_path: Path) -> None:
    (tmp_path / "piped.png").write_bytes(png_of(picture()))
    manifest = manifest_in(tmp_path / "piped.png")
    assert manifest is not None
    assert manifest.intact


def test_made_from_a_signed_picture_it_says_the_new_story(tmp_path: Path) -> None:
    """A painting of a painting: the second manifest is the one that counts, and there is one record."""
    write_picture(tmp_path / "first.png", picture())
    first = read_picture(tmp_path / "first.png")
    other = replace(credentials(), model="other")
    write_picture(tmp_path / "second.png", replace(first, note=Note(credentials=other, identity=self_made())))
    told = credentials_in(read_picture(tmp_path / "second.png").metadata)
    manifest = manifest_in(tmp_path / "second.png")
    assert told is not None and manifest is not None
    assert manifest.record == told == other.as_json()
    assert manifest.intact


def test_pictures_of_others_have_no_manifest(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "plain.png")
    assert manifest_in(tmp_path / "plain.png") is None
    assert manifest_in(tmp_path / "none.exr") is None


def test_nothing_is_left_beside_the_file_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    write_picture(tmp_path / "made.png", picture())
    assert [path.name for path in tmp_path.iterdir()] == ["made.png"]
    broken = Identity(b"no certificate", self_made().key, "es256")
    with pytest.raises(ImageError, match=r"bad\.png cannot be signed .*--no-credentials"):
        write_picture(tmp_path / "bad.png", picture(broken))
    assert [path.name for path in tmp_path.iterdir()] == ["made.png"]


def test_the_self_made_certificate_says_that_nobody_vouches_for_it(tmp_path: Path) -> None:
    write_picture(tmp_path / "made.png", picture())
    manifest = manifest_in(tmp_path / "made.png")
    assert manifest is not None
    assert manifest.signer == SELF_MADE
    assert "untrusted" in manifest.signer
    assert b"PRIVATE" not in repr(self_made()).encode()


def authority_and(key: Any, *, good_for_signing: bool = True) -> bytes:
    """PEM of a certificate for `key`, by an authority of its own."""
    authority = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
        False,
    )
    names = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Painters Ltd")]
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*names, x509.NameAttribute(x509.NameOID.COMMON_NAME, "A. Painter")]))
        .issuer_name(x509.Name(names))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, encipher_only=False, decipher_only=False, **usage), critical=True
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage(
                [
                    x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION
                    if good_for_signing
                    else x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
                ]
            ),
            critical=True,
        )
        .sign(authority, hashes.SHA256())
    )
    content: bytes = built.public_bytes(Encoding.PEM)
    return content


def written(folder: Path, key: Any, certificate: bytes) -> tuple[Path, Path]:
    (folder / "own.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "own.pem", folder / "key.pem"


KEYS: dict[str, Callable[[], Any]] = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_users_own_certificate_signs(algorithm: str, tmp_path: Path) -> None:
    key = KEYS[algorithm]()
    own = of_files(*written(tmp_path, key, authority_and(key)))
    require_signer(own)
    write_picture(tmp_path / "made.png", picture(own))
    manifest = manifest_in(tmp_path / "made.png")
    assert own.algorithm == algorithm
    assert manifest is not None
    assert (manifest.signer, manifest.intact, manifest.trusted) == ("A. Painter", True, False)


def test_what_cannot_sign_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, other = KEYS["es256"](), KEYS["es256"]()
    certificate, secret = written(tmp_path, key, authority_and(other))
    with pytest.raises(ConfigError, match="not the key of the first certificate"):
        of_files(certificate, secret)
    with pytest.raises(ConfigError, match="cannot be read"):
        of_files(tmp_path / "nowhere.pem", secret)
    with pytest.raises(ConfigError, match="no certificate in PEM"):
        of_files(secret, secret)
    with pytest.raises(ConfigError, match="no private key in PEM"):
        of_files(certificate, certificate)
    web = of_files(*written(tmp_path, key, authority_and(key, good_for_signing=False)))
    with pytest.raises(ConfigError, match="cannot sign content credentials"):
        require_signer(web)
    monkeypatch.setattr(identities, "can_sign", lambda: False)
    with pytest.raises(ConfigError, match=r"shanshui\[provenance\]"):
        of_files(certificate, secret)


def test_the_record_in_the_manifest_is_json_that_other_tools_read(tmp_path: Path) -> None:
    import c2pa

    write_picture(tmp_path / "made.jpg", picture())
    with c2pa.Reader("image/jpeg", io.BytesIO((tmp_path / "made.jpg").read_bytes())) as reader:
        store = json.loads(reader.json())
    (action,) = store["manifests"][store["active_manifest"]]["assertions"][0]["data"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    )
    assert "thumbnail" not in store["manifests"][store["active_manifest"]]


def test_a_process_that_forks_off_signs_too(tmp_path: Path) -> None:
    write_picture(tmp_path / "before.png", picture())
    child = os.fork()
    if child == 0:
        try:
            write_picture(tmp_path / "after.png", picture())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = manifest_in(tmp_path / "after.png")
    assert told is not None
    assert told.intact
