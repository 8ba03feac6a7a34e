"""A client finds itself in a study's file with its amendments, with one key file or several."""

from pathlib import Path

import pytest
from tests.client.amending import Amending
from tests.client.people import PASSPHRASE

from blindsum_client.client import Client
from blindsum_client.joining import read_membership
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import AgreementKey, Identity
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.local_policy import ClientPolicy


def written(amending: Amending, folder: Path, manifest: AmendedManifest) -> tuple[Path, str]:
    path = folder / "heart.manifest"
    path.write_bytes(manifest_file_to_bytes(amending.original, None, manifest.amendments))
    return path, amending.original.digest.hex()


def test_a_membership_is_found_by_the_amendments_of_the_file(tmp_path: Path) -> None:
    amending = Amending()
    guest = amending.newcomer("guest")
    told = amending.in_force.amended([amending.amendment(joined=(guest,))])
    path, digest = written(amending, tmp_path, told)
    ring = amending.stage.people.key_ring("guest")

    membership = read_membership(path, digest, [ring], ClientPolicy())

    assert membership.client == "guest"
    assert membership.manifest.number == 1
    path, digest = written(amending, tmp_path, AmendedManifest(amending.original))
    with pytest.raises(Refused) as caught:
        read_membership(path, digest, [ring], ClientPolicy())
    assert caught.value.rule == "not-enrolled"


def test_the_file_of_a_rotated_key_needs_the_new_key(tmp_path: Path) -> None:
    amending = Amending()
    new = AgreementKey.generate()
    told = amending.in_force.amended(
        [amending.amendment(rotated=(amending.rotated("cleveland", new),))]
    )
    path, digest = written(amending, tmp_path, told)
    old_ring = amending.stage.people.key_ring("cleveland")
    rings = [old_ring, KeyRing(old_ring.identity, agreement_key=new)]

    assert len(read_membership(path, digest, rings, ClientPolicy()).agreement_keys) == 2
    with pytest.raises(Rejected) as caught:
        read_membership(path, digest, [old_ring], ClientPolicy())
    assert caught.value.rule == "enrolled-key"
    with pytest.raises(Refused) as refusal:
        read_membership(path, digest, [old_ring, KeyRing(Identity.generate())], ClientPolicy())
    assert refusal.value.rule == "one-identity"


def test_a_client_joins_with_several_key_files(tmp_path: Path) -> None:
    amending = Amending()
    new = AgreementKey.generate()
    told = amending.in_force.amended(
        [amending.amendment(rotated=(amending.rotated("cleveland", new),))]
    )
    path, digest = written(amending, tmp_path, told)
    ring = amending.stage.people.key_ring("cleveland")
    files = [tmp_path / "cleveland.key", tmp_path / "cleveland.2.key"]
    FileKeyStore(files[0], PASSPHRASE).create(ring)
    FileKeyStore(files[1], PASSPHRASE).create(KeyRing(ring.identity, agreement_key=new))

    with Client.join(
        path,
        digest=digest,
        key_file=files,
        passphrase=PASSPHRASE,
        aggregator="127.0.0.1:1",
        state=tmp_path / "state",
    ) as client:
        assert client.name == "cleveland"


def test_a_file_with_a_forged_amendment_is_refused(tmp_path: Path) -> None:
    amending = Amending()
    genuine = amending.amendment(left=("hungary",))
    by_another = amending.stage.people.sign(genuine.body, "aggregator")
    path = tmp_path / "heart.manifest"
    path.write_bytes(manifest_file_to_bytes(amending.original, None, [type(genuine)(by_another)]))
    ring = amending.stage.people.key_ring("cleveland")

    with pytest.raises(Rejected) as caught:
        read_membership(path, amending.original.digest.hex(), [ring], ClientPolicy())

    assert caught.value.rule == "unknown-signer"


def test_the_own_floors_hold_for_what_the_study_is_amended_to(tmp_path: Path) -> None:
    amending = Amending()
    amending.open_round()
    policy = ClientPolicy(threshold_floor=2)
    client = amending.client(tmp_path / "state", policy=policy)
    next(client.rounds())
    amending.stage.abort()
    single = amending.committee("keeper-x", threshold=1, quorum=1)
    amending.put_in_force(amending.amendment(committee=single))
    amending.open_round()

    with pytest.raises(Refused) as caught:
        next(client.rounds())

    assert caught.value.rule == "own-threshold"
    assert not client.standing.sealed
