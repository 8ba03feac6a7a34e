"""The demo's studies: keys, study.toml and manifests, made by what every study is made by.

One study a seal. They differ in name and seal alone: the same parties with the same keys, the same
initial model, codec and schedule, so that what differs between them is what the seal does.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.network import Model, initial_model
from blindsum_cli.demo.places import (
    AGGREGATOR,
    OFFICER,
    OPERATOR,
    Party,
    Places,
    study_of,
)
from blindsum_cli.demo.study_text import CODEC, study_toml
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

_PASSPHRASE_BYTES: Final = 24
_SECRET_MODE: Final = 0o600


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
        rounds: Rounds that the hospitals train for.
    """

    places: Places
    studies: tuple[DemoStudy, ...]
    operator: Identity
    rounds: int


def set_up(root: Path, rounds: int, seals: Sequence[str]) -> DemoSetup:
    """Make the parties' keys, compile a study.toml a seal, have each signed and approved.

    Args:
        root: An empty folder.
        rounds: Rounds of each study; at least 1.
        seals: The seals, each once; in this order the studies come.

    Raises:
        BlindsumError: when a step of a study's making refuses.
    """
    places, operator = enrol_everybody(root, initial_model())
    studies = tuple(
        make_study(places, seal, operator, study_toml(study_of(seal), seal, CODEC, rounds))
        for seal in seals
    )
    return DemoSetup(places, studies, operator, rounds)


def enrol_everybody(root: Path, first: Model) -> tuple[Places, Identity]:
    """Make the parties' keys and write down the model of round 0.

    Args:
        root: An empty folder.
        first: The model of round 0.

    Returns:
        Where everything lies, and the operator's key.
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
    write_arrays(places.initial_model, first)
    return places, _unlock(places.party(OPERATOR))


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


def make_study(places: Places, seal: str, operator: Identity, toml: str) -> DemoStudy:
    """Compile a study.toml, have the manifest signed and approved, and read it back.

    Raises:
        BlindsumError: when a step of a study's making refuses.
    """
    manifest = compile_study(places, toml)
    study_file = places.party(OPERATOR).folder / f"{manifest.study}.toml"
    study_file.write_text(toml, encoding="utf-8")
    path = places.manifest(manifest.study)
    draft = path.with_suffix(DRAFT_SUFFIX)
    write_draft(draft, manifest)
    sign_draft(draft, operator)
    approve_manifest(path, _unlock(places.party(OFFICER)))
    draft.unlink()
    signed, _ = read_manifest(path)
    return DemoStudy(seal, places, signed)


def compile_study(places: Places, toml: str) -> Manifest:
    """The manifest of a study.toml of the enrolled parties, which nobody signed yet."""
    layout, model = read_model(places.initial_model)
    identities = read_identities([places.public])
    return manifest_from_toml(toml, identities, model_digest(model), layout)
