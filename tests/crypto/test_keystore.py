"""Key files: only their owner reads them, nothing overwrites them, every damage is noticed."""

import json
import os
from pathlib import Path

import pytest

from blindsum_crypto.at_rest import encrypt_at_rest
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.keystore import FileKeyStore, KeyRing, KeyStore, _encode_file
from blindsum_crypto.randomness import SeededRandomness

PASSPHRASE = b"correct horse battery staple"


@pytest.fixture
def key_ring(randomness: SeededRandomness) -> KeyRing:
    return KeyRing(
        Identity.generate(randomness),
        WrapKey.generate(randomness=randomness),
        AgreementKey.generate(randomness),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "custodian.key"


def test_a_key_ring_comes_back_as_it_was(path: Path, key_ring: KeyRing) -> None:
    store: KeyStore = FileKeyStore(path, PASSPHRASE)
    FileKeyStore(path, PASSPHRASE).create(key_ring)
    loaded = store.load()
    assert loaded == key_ring
    assert loaded.identity.private == key_ring.identity.private
    assert loaded.wrap_key is not None
    assert key_ring.wrap_key is not None
    assert loaded.wrap_key.private == key_ring.wrap_key.private


def test_a_ring_of_an_identity_alone_comes_back(path: Path, key_ring: KeyRing) -> None:
    store = FileKeyStore(path, PASSPHRASE)
    store.create(KeyRing(key_ring.identity))
    assert store.load() == KeyRing(key_ring.identity, None, None)


def test_the_file_is_its_owners_alone_under_any_umask(path: Path, key_ring: KeyRing) -> None:
    before = os.umask(0)
    try:
        FileKeyStore(path, PASSPHRASE).create(key_ring)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_temporary_file_is_left(path: Path, key_ring: KeyRing) -> None:
    FileKeyStore(path, PASSPHRASE).create(key_ring)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_key_file_is_never_overwritten(path: Path, key_ring: KeyRing) -> None:
    FileKeyStore(path, PASSPHRASE).create(key_ring)
    before = path.read_bytes()
    with pytest.raises(Refused) as caught:
        FileKeyStore(path, b"another").create(key_ring)
    assert caught.value.rule == "key-file-exists"
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o666])
def test_a_file_that_others_may_touch_is_refused(path: Path, key_ring: KeyRing, mode: int) -> None:
    FileKeyStore(path, PASSPHRASE).create(key_ring)
    path.chmod(mode)
    with pytest.raises(Refused) as caught:
        FileKeyStore(path, PASSPHRASE).load()
    assert caught.value.rule == "key-file-permissions"


def test_a_wrong_passphrase_is_rejected(path: Path, key_ring: KeyRing) -> None:
    FileKeyStore(path, PASSPHRASE).create(key_ring)
    with pytest.raises(Rejected) as caught:
        FileKeyStore(path, PASSPHRASE[:-1]).load()
    assert caught.value.rule == "wrong-passphrase-or-damaged-key-file"


@pytest.mark.slow
def test_one_flipped_bit_anywhere_is_rejected(path: Path, key_ring: KeyRing) -> None:
    store = FileKeyStore(path, PASSPHRASE)
    store.create(key_ring)
    content = path.read_bytes()
    # Every byte of the frame and both ends, and a sample of the middle, where scrypt has to run.
    places = {*range(70), *range(70, len(content), 37), *range(len(content) - 6, len(content))}
    for at in sorted(places):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(Rejected) as caught:
            store.load()
        assert caught.value.rule == "wrong-passphrase-or-damaged-key-file"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'"text"', b"\xff", b'{"encrypted": 5}'])
def test_a_file_of_another_form_is_rejected(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Rejected) as caught:
        FileKeyStore(path, PASSPHRASE).load()
    assert caught.value.rule == "wrong-passphrase-or-damaged-key-file"


def test_a_key_file_of_another_content_is_rejected_without_quoting_it(path: Path) -> None:
    # Right passphrase, untouched bytes, and yet no key ring: a file of another version.
    for content in (b"", b"[]", b'{"identity": "secret-looking"}', b'{"identity": "00"}'):
        path.write_bytes(_encode_file(encrypt_at_rest(PASSPHRASE, content)))
        path.chmod(0o600)
        with pytest.raises(Rejected) as caught:
            FileKeyStore(path, PASSPHRASE).load()
        cause = caught.value.__cause__
        assert isinstance(cause, Rejected)
        assert cause.rule == "key-ring-form"
        assert cause.__cause__ is None
        assert cause.__context__ is None


def test_another_spelling_of_the_same_file_is_rejected(path: Path, key_ring: KeyRing) -> None:
    FileKeyStore(path, PASSPHRASE).create(key_ring)
    path.write_text(json.dumps(json.loads(path.read_text())))
    with pytest.raises(Rejected) as caught:
        FileKeyStore(path, PASSPHRASE).load()
    assert isinstance(caught.value.__cause__, Rejected)
    assert caught.value.__cause__.rule == "key-file-form"


def test_a_missing_file_or_folder_is_unavailable(path: Path, key_ring: KeyRing) -> None:
    with pytest.raises(Unavailable) as caught:
        FileKeyStore(path, PASSPHRASE).load()
    assert caught.value.rule == "key-file-missing"
    with pytest.raises(Unavailable) as caught:
        FileKeyStore(path / "deeper" / "x.key", PASSPHRASE).create(key_ring)
    assert caught.value.rule == "key-folder-missing"


def test_an_empty_passphrase_writes_nothing(path: Path, key_ring: KeyRing) -> None:
    with pytest.raises(Refused) as caught:
        FileKeyStore(path, b"").create(key_ring)
    assert caught.value.rule == "empty-passphrase"
    assert not path.exists()


def test_neither_file_nor_repr_nor_error_shows_a_secret(path: Path, key_ring: KeyRing) -> None:
    store = FileKeyStore(path, PASSPHRASE)
    store.create(key_ring)
    with pytest.raises(Rejected) as caught:
        FileKeyStore(path, b"wrong passphrase").load()
    shown = f"{store!r} {key_ring!r} {caught.value} {caught.value.__cause__} {path.read_text()}"
    assert key_ring.wrap_key is not None
    assert key_ring.agreement_key is not None
    for secret in (
        key_ring.identity.private,
        key_ring.wrap_key.private,
        key_ring.agreement_key.private,
        PASSPHRASE,
        b"wrong passphrase",
    ):
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown
