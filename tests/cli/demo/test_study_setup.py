"""The demo's studies are studies like any other: signed, approved, each party's secrets apart."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS, training_records
from blindsum_cli.demo.local_training import train
from blindsum_cli.demo.network import VECTOR_LENGTH, initial_model
from blindsum_cli.demo.study_setup import DemoSetup, DemoStudy, set_up
from blindsum_cli.key_files import open_key
from blindsum_cli.manifest_file import read_manifest
from blindsum_crypto.errors import Rejected
from blindsum_rules.codec.encoding import clip
from blindsum_rules.quorum import check_quorum_rule

SEALS = ("ckks", "masking")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoSetup:
    return set_up(tmp_path_factory.mktemp("demo"), 4, SEALS)


@pytest.fixture(scope="module", params=range(len(SEALS)), ids=SEALS)
def study(made: DemoSetup, request: pytest.FixtureRequest) -> DemoStudy:
    index: int = request.param
    return made.studies[index]


@pytest.mark.slow
def test_the_manifest_is_signed_approved_and_valid_now(study: DemoStudy) -> None:
    signed, approval = read_manifest(study.manifest_file, study.digest)

    assert approval is not None
    assert signed.body.schedule.max_rounds == 4
    assert signed.body.vector_length == VECTOR_LENGTH + 1
    check_quorum_rule(len(signed.body.custodians), signed.body.threshold, signed.body.quorum)


@pytest.mark.slow
def test_the_studies_differ_in_name_and_seal_alone(made: DemoSetup) -> None:
    ckks, masking = (study.manifest for study in made.studies)

    assert (ckks.study, ckks.seals) == ("heart-ckks", ("ckks",))
    assert (masking.study, masking.seals) == ("heart-masking", ("masking",))
    # They are made one after the other, perhaps in two seconds.
    assert masking == replace(
        ckks,
        study=masking.study,
        seals=masking.seals,
        not_before_unix=masking.not_before_unix,
        not_after_unix=masking.not_after_unix,
    )


@pytest.mark.slow
def test_every_secret_file_is_its_owners_alone(study: DemoStudy) -> None:
    secrets = [*study.places.root.rglob("*.key"), *study.places.root.rglob("passphrase")]

    assert len(secrets) == 2 * (3 + 2 * len(HOSPITALS))
    for path in secrets:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
def test_no_secret_lies_where_everybody_may_read(study: DemoStudy) -> None:
    suffixes = {path.suffix for path in study.places.public.iterdir()}

    assert suffixes == {".identity", ".manifest", ".npz"}


@pytest.mark.slow
def test_no_passphrase_opens_two_parties(study: DemoStudy) -> None:
    first, second = (study.places.client(hospital) for hospital in HOSPITALS[:2])
    passphrase = first.passphrase.read_bytes().strip()

    open_key(first.key, passphrase)
    with pytest.raises(Rejected) as caught:
        open_key(second.key, passphrase)

    assert caught.value.rule == "wrong-passphrase-or-damaged-key-file"


@pytest.mark.slow
@pytest.mark.parametrize("hospital", HOSPITALS)
def test_the_clip_norm_clips_nothing_and_no_hospital_has_more_records_than_the_cap(
    study: DemoStudy, hospital: str
) -> None:
    records = training_records(hospital)
    codec = study.manifest.weighted_codec
    update = study.manifest.layout.flatten(train(initial_model(), records))

    assert records.count <= codec.weight_cap
    assert (clip(update, codec) == update).all()


def test_a_study_is_not_set_up_over_another_one(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()

    with pytest.raises(FileExistsError):
        set_up(tmp_path, 4, SEALS)
