"""A private study of ten sites and four custodians, for measuring the noise of its rounds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from tests.integration.noise_units import CLIP_NORM, DIMENSION, ROUNDS, SITES, UNITS
from tests.integration.town import PASSPHRASE, enrol

from blindsum_cli.demo.places import AGGREGATOR, OPERATOR, Places, custodian_of, study_of
from blindsum_cli.demo.study_setup import DemoSetup, DemoStudy
from blindsum_cli.key_files import open_key, read_identities
from blindsum_cli.manifest_file import DRAFT_SUFFIX, read_manifest, sign_draft, write_draft
from blindsum_cli.model_file import read_model, write_arrays
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import model_digest
from blindsum_rules.party import Role
from blindsum_rules.privacy.study_plan import study_codec
from blindsum_rules.study_toml import manifest_from_toml

CUSTODIANS = tuple(f"clinic-{index}" for index in range(4))

STUDY_TOML = """\
study = "{study}"
purpose = "Ten sites whose sum is known, so that the noise can be measured"
permit = "Invented numbers"
kind = "model"
seals = ["{seal}"]
not_before = {not_before}
not_after = {not_after}

[parties]
operator = "{operator}"
aggregator = "{aggregator}"

[custodians]
names = [{custodians}]
threshold = 2
quorum = 3

[cohort]
min_cohort = 10
min_organisations = 10

{clients}
[privacy]
unit = "record"
noise_multiplier = 2.0
delta = 1e-5
planned_rounds = {rounds}
clip_norm = {clip_norm}
units_per_client = {units}
reference_units = 30

[schedule]
max_rounds = {rounds}
accept_seconds = 60
contribute_seconds = 240
release_seconds = 240
"""


@dataclass(frozen=True, slots=True)
class NoiseStudy:
    """A study that is signed, and what its manifest fixes."""

    setup: DemoSetup

    @property
    def study(self) -> DemoStudy:
        return self.setup.studies[0]

    @property
    def manifest(self) -> Manifest:
        return self.study.manifest

    @property
    def codec(self) -> UnitCodec:
        return study_codec(self.manifest, CLIP_NORM)


def set_up(root: Path, seal: str, dimension: int = DIMENSION, rounds: int = ROUNDS) -> NoiseStudy:
    """Make keys, initial model and manifest of the study in an empty folder."""
    places = Places(root)
    for folder in (places.public, places.logs, places.transcripts):
        folder.mkdir(parents=True)
    for site in SITES:
        enrol(places.client(site), Role.CLIENT, places.public)
    for clinic in CUSTODIANS:
        enrol(places.custodian(clinic), Role.CUSTODIAN, places.public)
    enrol(places.party(OPERATOR), Role.OPERATOR, places.public)
    enrol(places.party(AGGREGATOR), Role.AGGREGATOR, places.public)
    write_arrays(places.initial_model, {"weights": np.zeros(dimension, np.float32)})
    layout, model = read_model(places.initial_model)
    manifest = manifest_from_toml(
        _toml(seal, rounds), read_identities([places.public]), model_digest(model), layout
    )
    operator = open_key(places.party(OPERATOR).key, PASSPHRASE).identity
    path = places.manifest(study_of(seal))
    draft = path.with_suffix(DRAFT_SUFFIX)
    write_draft(draft, manifest)
    sign_draft(draft, operator)
    signed, _ = read_manifest(path)
    studies = (DemoStudy(seal, places, signed),)
    return NoiseStudy(DemoSetup(places, studies, operator, rounds))


def _toml(seal: str, rounds: int) -> str:
    now = datetime.now(UTC).replace(microsecond=0)
    return STUDY_TOML.format(
        study=study_of(seal),
        seal=seal,
        not_before=(now - timedelta(hours=1)).isoformat(),
        not_after=(now + timedelta(days=1)).isoformat(),
        operator=OPERATOR,
        aggregator=AGGREGATOR,
        custodians=", ".join(f'"{custodian_of(clinic)}"' for clinic in CUSTODIANS),
        clients="\n".join(
            f'[[clients]]\nname = "{site}"\norganisation = "{site}"\n' for site in SITES
        ),
        rounds=rounds,
        clip_norm=CLIP_NORM,
        units=UNITS,
    )
