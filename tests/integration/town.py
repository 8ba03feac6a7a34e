"""A small study in real processes, for the tests of this folder: any committee, four hospitals."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blindsum_cli.calls import Endpoint, RoundStanding, Standings, caller_of, operate
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.network import initial_model
from blindsum_cli.demo.places import AGGREGATOR, OPERATOR, Party, Places, custodian_of, study_of
from blindsum_cli.demo.processes import Processes
from blindsum_cli.demo.roles import start_aggregator, start_custodian
from blindsum_cli.demo.study_setup import DemoSetup, DemoStudy
from blindsum_cli.key_files import identity_file, make_party, open_key, read_identities
from blindsum_cli.manifest_file import DRAFT_SUFFIX, read_manifest, sign_draft, write_draft
from blindsum_cli.model_file import read_model, write_arrays
from blindsum_rules import transcript
from blindsum_rules.model import model_digest
from blindsum_rules.party import Role
from blindsum_rules.requests import OperatorAction
from blindsum_rules.study_toml import manifest_from_toml

PASSPHRASE = b"a passphrase of this test"
SEAL = "ckks"
PATIENCE_SECONDS = 120.0

STUDY_TOML = """\
study = "{study}"
purpose = "Four hospitals under test"
permit = "Public records: UCI Heart Disease, CC BY 4.0"
kind = "model"
seals = ["{seal}"]
not_before = {not_before}
not_after = {not_after}

[parties]
operator = "{operator}"
aggregator = "{aggregator}"

[custodians]
names = [{custodians}]
threshold = {threshold}
quorum = {quorum}

[cohort]
min_cohort = 3
min_organisations = 3

{clients}
[codec]
clip_norm = 8.0
levels = 262144
weight_cap = 256
weight_scale = 1.0

[schedule]
max_rounds = {rounds}
accept_seconds = 10
contribute_seconds = 8
release_seconds = 120
"""


def enrol(party: Party, role: Role, public: Path) -> None:
    party.folder.mkdir(parents=True)
    party.passphrase.touch(mode=0o600)
    party.passphrase.write_bytes(PASSPHRASE)
    make_party(party.folder, party.name, role, PASSPHRASE)
    identity_file(party.folder, party.name).rename(identity_file(public, party.name))


@dataclass(frozen=True)
class Committee:
    """In which hospitals the custodians stand, how many open and how many sign."""

    hospitals: tuple[str, ...]
    threshold: int
    quorum: int


def set_up(
    root: Path,
    committee: Committee,
    rounds: int,
    seal: str = SEAL,
    enrolled: Sequence[str] = HOSPITALS,
) -> DemoSetup:
    places = Places(root)
    for folder in (places.public, places.logs, places.transcripts):
        folder.mkdir(parents=True)
    for hospital in enrolled:
        enrol(places.client(hospital), Role.CLIENT, places.public)
    for hospital in committee.hospitals:
        enrol(places.custodian(hospital), Role.CUSTODIAN, places.public)
    enrol(places.party(OPERATOR), Role.OPERATOR, places.public)
    enrol(places.party(AGGREGATOR), Role.AGGREGATOR, places.public)
    write_arrays(places.initial_model, initial_model())
    layout, model = read_model(places.initial_model)
    now = datetime.now(UTC).replace(microsecond=0)
    clients = "\n".join(
        f'[[clients]]\nname = "{hospital}"\norganisation = "{hospital}"\n' for hospital in enrolled
    )
    text = STUDY_TOML.format(
        study=study_of(seal),
        seal=seal,
        not_before=(now - timedelta(hours=1)).isoformat(),
        not_after=(now + timedelta(days=1)).isoformat(),
        operator=OPERATOR,
        aggregator=AGGREGATOR,
        custodians=", ".join(f'"{custodian_of(one)}"' for one in sorted(committee.hospitals)),
        threshold=committee.threshold,
        quorum=committee.quorum,
        clients=clients,
        rounds=rounds,
    )
    manifest = manifest_from_toml(
        text, read_identities([places.public]), model_digest(model), layout
    )
    operator = open_key(places.party(OPERATOR).key, PASSPHRASE).identity
    path = places.manifest(study_of(seal))
    draft = path.with_suffix(DRAFT_SUFFIX)
    write_draft(draft, manifest)
    sign_draft(draft, operator)
    signed, _ = read_manifest(path)
    study = DemoStudy(seal, places, signed)
    return DemoSetup(places, (study,), operator, rounds)


class Town:
    """A study's processes and the operator who watches them."""

    def __init__(
        self, setup: DemoSetup, processes: Processes, clients: Sequence[str] = HOSPITALS
    ) -> None:
        self.setup = setup
        self.clients = clients
        (self.study,) = setup.studies
        self.processes = processes
        start_aggregator(processes, setup, 0)
        self.wait_until(setup.places.address.exists)
        self.address = setup.places.address.read_text(encoding="utf-8").strip()
        manifest = self.study.manifest
        caller = caller_of(manifest, setup.operator)
        self.standings = Standings(manifest, caller, Endpoint(self.address))

    def wait_until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            self.processes.check(self.clients)
            assert time.monotonic() < deadline, "nothing happened for two minutes"
            time.sleep(0.05)

    def attend(self, *hospitals: str, is_new: bool) -> None:
        for hospital in hospitals:
            start_custodian(self.processes, self.setup, hospital, self.address, is_new=is_new)
        names = {custodian_of(hospital) for hospital in hospitals}
        self.wait_until(lambda: names <= set(self.standings.ask().attending))

    def open_round(self, number: int) -> None:
        operate(
            self.study.signed,
            self.setup.operator,
            Endpoint(self.address),
            (OperatorAction.OPEN_ROUND, number, "the test opens a round"),
        )

    def round(self, number: int) -> RoundStanding:
        return next(one for one in self.standings.ask().rounds if one.number == number)

    def is_closed(self, number: int) -> bool:
        rounds = self.standings.ask().rounds
        return any(one.number == number and one.state == "CLOSED" for one in rounds)

    def wait_for_close(self, number: int) -> RoundStanding:
        self.wait_until(lambda: self.is_closed(number))
        folder = self.study.transcript
        self.wait_until((folder / transcript.round_file(number, transcript.CLOSES)).exists)
        return self.round(number)
