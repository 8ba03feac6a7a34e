"""Joining a study: by the manifest's whole digest, with enrolled keys, no trust on first use."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import SecretBytes
from tests.client.people import LAYOUT, PASSPHRASE, initial_arrays

from blindsum_client.client import Client
from blindsum_client.initial_model import load_initial_model
from blindsum_client.joining import parse_digest, read_membership
from blindsum_client.settings import ClientSettings
from blindsum_crypto.errors import BlindsumError, Refused, Rejected, Unavailable
from blindsum_crypto.identity import AgreementKey, Identity
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.manifest import Manifest, Party
from blindsum_rules.model import encode_model
from blindsum_rules.signed import Signed

if TYPE_CHECKING:
    from tests.client.stage import Stage


@dataclass(frozen=True)
class Files:
    """What a hospital holds on its disk."""

    manifest: Path
    digest: str
    key_file: Path
    state: Path

    def join(self, **changes: Any) -> Client:  # noqa: ANN401
        fields: dict[str, Any] = {
            "manifest": self.manifest,
            "digest": self.digest,
            "key_file": self.key_file,
            "passphrase": PASSPHRASE,
            "aggregator": "127.0.0.1:1",
            "state": self.state,
        }
        return Client.join(**(fields | changes))


def write_files(stage: "Stage", folder: Path, manifest: Signed[Manifest] | None = None) -> Files:
    signed = manifest or stage.manifest
    file = folder / "heart.manifest"
    file.write_bytes(manifest_file_to_bytes(signed, None))
    key_file = folder / "cleveland.key"
    if not key_file.exists():
        FileKeyStore(key_file, PASSPHRASE).create(stage.people.key_ring("cleveland"))
    return Files(file, signed.digest.hex(), key_file, folder / "state" / "cleveland")


@pytest.fixture
def files(stage: "Stage", tmp_path: Path) -> Files:
    return write_files(stage, tmp_path)


def refusal(files: Files, **changes: Any) -> BlindsumError:  # noqa: ANN401
    with pytest.raises(BlindsumError) as caught:
        files.join(**changes)
    return caught.value


def test_a_client_joins_with_files_alone(files: Files) -> None:
    with files.join(initial_model=initial_arrays()) as client:
        assert (client.study, client.name) == ("heart", "cleveland")
        assert repr(client) == "Client(study='heart', name='cleveland')"
        assert not client.closed
    assert client.closed


def test_a_client_comes_back_with_the_same_folder(files: Files) -> None:
    files.join().close()

    files.join().close()


@pytest.mark.parametrize("cut", [0, 8, 62, 63])
def test_a_shortened_digest_is_refused(files: Files, cut: int) -> None:
    assert refusal(files, digest=files.digest[:cut]).rule == "manifest-digest"


@pytest.mark.parametrize("digest", ["", "zz" * 32, "ab" * 31 + " a", "ab" * 33, "é" * 64])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_digest(digest)
    assert caught.value.rule == "manifest-digest"


def test_the_digest_of_another_manifest_is_refused(files: Files) -> None:
    assert refusal(files, digest="ab" * 32).rule == "manifest-digest"


def test_another_manifest_under_a_pinned_folder_is_refused(
    stage: "Stage", files: Files, tmp_path: Path
) -> None:
    files.join().close()
    changed = stage.people.sign(replace(stage.manifest.body, purpose="another one"), "operator")
    other = write_files(stage, tmp_path, changed)

    error = refusal(other)

    assert error.rule == "pinned-manifest"
    assert "cleveland" in str(error)


def test_another_client_under_a_pinned_folder_is_refused(
    stage: "Stage", files: Files, tmp_path: Path
) -> None:
    files.join().close()
    key_file = tmp_path / "hungary.key"
    FileKeyStore(key_file, PASSPHRASE).create(stage.people.key_ring("hungary"))

    assert refusal(files, key_file=key_file).rule == "pinned-manifest"


def test_a_manifest_that_its_operator_did_not_sign_is_refused(
    stage: "Stage", tmp_path: Path
) -> None:
    forged = replace(stage.people.sign(stage.manifest.body, "hungary"), signer="operator")

    assert refusal(write_files(stage, tmp_path, forged)).rule == "unsigned-manifest"


def test_a_manifest_without_its_officers_approval_is_refused(
    stage: "Stage", tmp_path: Path
) -> None:
    officer = Party("officer", Identity.generate().public)
    body = replace(stage.manifest.body, officer=officer)

    files = write_files(stage, tmp_path, stage.people.sign(body, "operator"))

    assert refusal(files).rule == "officer-approval"


def test_a_manifest_that_breaks_the_quorum_rule_is_refused(stage: "Stage", tmp_path: Path) -> None:
    body = replace(stage.manifest.body, quorum=2)

    files = write_files(stage, tmp_path, stage.people.sign(body, "operator"))

    assert refusal(files).rule == "quorum-rule"


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (ClientPolicy(min_cohort_floor=4), "own-min-cohort"),
        (ClientPolicy(min_organisations_floor=3), "own-min-organisations"),
        (ClientPolicy(threshold_floor=3), "own-threshold"),
        (ClientPolicy(expected_initial_model_digest=b"d" * 32), "own-initial-model"),
        (ClientPolicy(max_rounds=7), "own-max-rounds"),
    ],
)
def test_a_study_that_the_clients_own_policy_forbids_is_not_joined(
    files: Files, policy: ClientPolicy, rule: str
) -> None:
    assert refusal(files, policy=policy).rule == rule
    assert not files.state.exists()


def test_a_stranger_is_not_enrolled(files: Files, tmp_path: Path) -> None:
    key_file = tmp_path / "stranger.key"
    ring = KeyRing(Identity.generate(), agreement_key=AgreementKey.generate())
    FileKeyStore(key_file, PASSPHRASE).create(ring)

    assert refusal(files, key_file=key_file).rule == "not-enrolled"


@pytest.mark.parametrize("agreement_key", [None, AgreementKey.generate()])
def test_another_agreement_key_than_the_enrolled_one_is_rejected(
    stage: "Stage", files: Files, tmp_path: Path, agreement_key: AgreementKey | None
) -> None:
    key_file = tmp_path / "half.key"
    ring = KeyRing(stage.people.identities["cleveland"], agreement_key=agreement_key)
    FileKeyStore(key_file, PASSPHRASE).create(ring)

    assert refusal(files, key_file=key_file).rule == "enrolled-key"


def test_a_wrong_passphrase_is_rejected(files: Files) -> None:
    error = refusal(files, passphrase=b"another passphrase")

    assert error.rule == "wrong-passphrase-or-damaged-key-file"
    assert "another passphrase" not in str(error)


def test_a_manifest_file_that_is_not_there_is_named(files: Files, tmp_path: Path) -> None:
    error = refusal(files, manifest=tmp_path / "no.manifest")

    assert isinstance(error, Unavailable)
    assert (error.rule, "no.manifest" in str(error)) == ("manifest-file", True)


@pytest.mark.parametrize("position", [0, 40, 400, -1])
def test_a_changed_byte_of_the_manifest_file_is_noticed(files: Files, position: int) -> None:
    changed = bytearray(files.manifest.read_bytes())
    changed[position] ^= 1
    files.manifest.write_bytes(changed)

    with pytest.raises((Refused, Rejected)):
        files.join()


def test_a_membership_shows_no_private_key(stage: "Stage", files: Files) -> None:
    ring = stage.people.key_ring("cleveland")

    membership = read_membership(files.manifest, files.digest, [ring], ClientPolicy())

    assert ring.identity.private.hex() not in repr(membership)
    assert "private" not in repr(membership)


def test_settings_join_a_study(files: Files) -> None:
    settings = ClientSettings(
        manifest=files.manifest,
        digest=files.digest,
        key_file=files.key_file,
        passphrase=SecretBytes(PASSPHRASE),
        aggregator="127.0.0.1:1",
        state=files.state,
    )

    with settings.join() as client:
        assert client.name == "cleveland"
    assert files.state.with_name("cleveland.anchor").exists()


def test_the_anchor_lies_where_it_is_told_to(files: Files, tmp_path: Path) -> None:
    anchor = tmp_path / "elsewhere" / "cleveland"

    files.join(anchor=anchor).close()

    assert anchor.exists()
    assert not files.state.with_name("cleveland.anchor").exists()


# ---- the first model


def test_the_first_model_comes_from_a_file_from_memory_or_from_the_aggregator(
    stage: "Stage", tmp_path: Path
) -> None:
    study = stage.manifest.body
    np.savez(tmp_path / "initial.npz", **initial_arrays())  # type: ignore[arg-type]
    expected = LAYOUT.flatten(initial_arrays()).astype(np.float32)

    for source in (tmp_path / "initial.npz", str(tmp_path / "initial.npz"), initial_arrays(), None):
        model = load_initial_model(source, study, stage.blobs.__getitem__)
        assert model.dtype == np.float32
        assert np.array_equal(model, expected)


def test_another_first_model_than_the_manifest_pins_is_refused(
    stage: "Stage", tmp_path: Path
) -> None:
    study = stage.manifest.body
    false = {name: array + np.float32(1) for name, array in initial_arrays().items()}
    np.savez(tmp_path / "false.npz", **false)  # type: ignore[arg-type]
    blob = encode_model(LAYOUT.flatten(false).astype(np.float32))

    for source in (tmp_path / "false.npz", false, None):
        with pytest.raises(Refused) as caught:
            load_initial_model(source, study, lambda _: blob)
        assert caught.value.rule == "initial-model"


def test_a_file_that_holds_no_model_is_rejected(stage: "Stage", tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no model")
    np.savez(tmp_path / "objects.npz", weight=np.array([{}], dtype=object))

    for name in ("text.npz", "objects.npz", "missing.npz"):
        with pytest.raises(Rejected) as caught:
            load_initial_model(tmp_path / name, stage.manifest.body, stage.blobs.__getitem__)
        assert caught.value.rule == "model-file"


def test_a_first_model_of_another_layout_is_rejected(stage: "Stage") -> None:
    for source in ({"weight": np.zeros((3, 2))}, {"weight": np.zeros(6), "bias": np.zeros(2)}):
        with pytest.raises(Rejected) as caught:
            load_initial_model(source, stage.manifest.body, stage.blobs.__getitem__)
        assert caught.value.rule == "layout"
