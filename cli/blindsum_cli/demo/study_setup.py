"""The demo's studies: keys, study.toml and manifests, made by what every study is made by.

One study a seal. They differ in name and seal alone: the same parties with the same keys, the same
initial model, codec and schedule, so that what differs between them is what the seal does.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.local_training import RECIPE, Recipe
from blindsum_cli.demo.network import initial_model
from blindsum_cli.demo.places import (
    AGGREGATOR,
    OFFICER,
    OPERATOR,
    Party,
    Places,
    custodian_of,
    study_of,
)
from blindsum_cli.key_files import identity_file, make_party, open_key, read_identities
from blindsum_cli.manifest_file import (
    DRAFT_SUFFIX,
    approve_manifest,
    read_manifest,
    sign_draft,
    write_draft,
)
from blindsum_cli.model_file import read_model, write_arrays
from blindsum_crypto.identity import Identity
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import model_digest
from blindsum_rules.party import Role
from blindsum_rules.signed import Signed
from blindsum_rules.study_toml import manifest_from_toml

THRESHOLD: Final = 2
QUORUM: Final = 3
MIN_COHORT: Final = 3
ACCEPT_SECONDS: Final = 6
CONTRIBUTE_SECONDS: Final = 6
"""Only a round in which a hospital stays away lasts both: the others freeze when all are in."""

_PASSPHRASE_BYTES: Final = 24
_SECRET_MODE: Final = 0o600

_STUDY_TOML: Final = """\
study = "{study}"
purpose = "Predict heart disease from routine findings, over four hospitals"
permit = "Demo on public records: UCI Heart Disease, CC BY 4.0"
kind = "model"
seals = ["{seal}"]
not_before = {not_before}
not_after = {not_after}

[parties]
operator = "{operator}"
officer = "{officer}"
aggregator = "{aggregator}"

[custodians]
names = [{custodians}]
threshold = {threshold}
quorum = {quorum}

[cohort]
min_cohort = {min_cohort}
min_organisations = {min_cohort}

{clients}
[codec]
clip_norm = 8.0         # wide enough that no update of the demo is clipped
levels = 262144
weight_cap = 256        # no hospital trains on more records
weight_scale = 1.0

[schedule]
max_rounds = {rounds}
accept_seconds = {accept_seconds}
contribute_seconds = {contribute_seconds}
release_seconds = 60
"""


@dataclass(frozen=True, slots=True)
class DemoStudy:
    """A study that is signed and approved.

    Attributes:
        seal: Its one seal.
        places: Where everything lies.
        signed: The signed manifest.
    """

    seal: str
    places: Places
    signed: Signed[Manifest]

    @property
    def name(self) -> str:
        """The study's id."""
        return self.signed.body.study

    @property
    def manifest(self) -> Manifest:
        """The manifest's content."""
        return self.signed.body

    @property
    def digest(self) -> str:
        """The manifest's digest as hex: what the operator tells everybody out of band."""
        return self.signed.digest.hex()

    @property
    def manifest_file(self) -> Path:
        """The signed manifest."""
        return self.places.manifest(self.name)

    @property
    def transcript(self) -> Path:
        """The artefact: the study's transcript, which `blindsum verify` checks."""
        return self.places.transcript(self.name)

    @property
    def harness(self) -> Path:
        """DEMO HARNESS: what the hospitals kept of this study, a folder each."""
        return self.places.harness / self.name


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """Studies that share all their parties, and what the demo needs to run them.

    Attributes:
        places: Where everything lies.
        studies: One a seal.
        operator: The operator's key: the demo opens the rounds.
        recipe: How the hospitals train.
    """

    places: Places
    studies: tuple[DemoStudy, ...]
    operator: Identity
    recipe: Recipe


def set_up(root: Path, rounds: int, seals: Sequence[str]) -> DemoSetup:
    """Make the parties' keys, compile a study.toml a seal, have each signed and approved.

    Args:
        root: An empty folder.
        rounds: Rounds of each study; at least 1.
        seals: The seals, each once; in this order the studies come.

    Raises:
        BlindsumError: when a step of a study's making refuses.
    """
    places = Places(root)
    for folder in (places.public, places.logs, places.transcripts):
        folder.mkdir(parents=True)
    for hospital in HOSPITALS:
        _enrol(places.client(hospital), Role.CLIENT, places.public)
        _enrol(places.custodian(hospital), Role.CUSTODIAN, places.public)
    for name, role in (
        (OPERATOR, Role.OPERATOR),
        (OFFICER, Role.OFFICER),
        (AGGREGATOR, Role.AGGREGATOR),
    ):
        _enrol(places.party(name), role, places.public)
    write_arrays(places.initial_model, initial_model())
    operator = _unlock(places.party(OPERATOR))
    studies = tuple(_study(places, seal, operator, rounds) for seal in seals)
    return DemoSetup(places, studies, operator, replace(RECIPE, rounds=rounds))


def _enrol(party: Party, role: Role, public: Path) -> None:
    """Make a party's keys in its own folder; only its identity file goes to the operator."""
    party.folder.mkdir(parents=True)
    passphrase = secrets.token_urlsafe(_PASSPHRASE_BYTES)
    party.passphrase.touch(mode=_SECRET_MODE)
    party.passphrase.write_text(f"{passphrase}\n", encoding="ascii")
    make_party(party.folder, party.name, role, passphrase.encode())
    identity_file(party.folder, party.name).rename(identity_file(public, party.name))


def _unlock(party: Party) -> Identity:
    passphrase = party.passphrase.read_text(encoding="ascii").strip()
    return open_key(party.key, passphrase.encode()).identity


def _study(places: Places, seal: str, operator: Identity, rounds: int) -> DemoStudy:
    name = study_of(seal)
    study_toml = places.party(OPERATOR).folder / f"{name}.toml"
    study_toml.write_text(_toml(name, seal, rounds), encoding="utf-8")
    layout, model = read_model(places.initial_model)
    manifest = manifest_from_toml(
        study_toml.read_text(encoding="utf-8"),
        read_identities([places.public]),
        model_digest(model),
        layout,
    )
    path = places.manifest(name)
    draft = path.with_suffix(DRAFT_SUFFIX)
    write_draft(draft, manifest)
    sign_draft(draft, operator)
    approve_manifest(path, _unlock(places.party(OFFICER)))
    draft.unlink()
    signed, _ = read_manifest(path)
    return DemoStudy(seal, places, signed)


def _toml(study: str, seal: str, rounds: int) -> str:
    now = datetime.now(UTC).replace(microsecond=0)
    clients = (
        f'[[clients]]\nname = "{hospital}"\norganisation = "{hospital}"\n' for hospital in HOSPITALS
    )
    return _STUDY_TOML.format(
        study=study,
        seal=seal,
        not_before=(now - timedelta(hours=1)).isoformat(),
        not_after=(now + timedelta(days=1)).isoformat(),
        operator=OPERATOR,
        officer=OFFICER,
        aggregator=AGGREGATOR,
        custodians=", ".join(f'"{custodian_of(hospital)}"' for hospital in HOSPITALS),
        threshold=THRESHOLD,
        quorum=QUORUM,
        min_cohort=MIN_COHORT,
        clients="\n".join(clients),
        rounds=rounds,
        accept_seconds=ACCEPT_SECONDS,
        contribute_seconds=CONTRIBUTE_SECONDS,
    )
