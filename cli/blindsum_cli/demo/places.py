"""Where everything of a demo run lies: a folder for each party, so that one sees who holds what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindsum_cli.key_files import key_file

OPERATOR: Final = "operator"
OFFICER: Final = "privacy-officer"
AGGREGATOR: Final = "aggregator"


def custodian_of(hospital: str) -> str:
    """Id of the custodian that runs in a hospital."""
    return f"custodian-{hospital}"


def study_of(seal: str) -> str:
    """Id of the study that a seal has: one study, one seal, the same parties in all of them."""
    return f"heart-{seal}"


@dataclass(frozen=True, slots=True)
class Party:
    """One party's folder: its keys, its passphrase, what it remembers.

    Attributes:
        name: The party's id.
        folder: Everything of it, and nothing of anybody else.
    """

    name: str
    folder: Path

    @property
    def key(self) -> Path:
        """Its encrypted keys."""
        return key_file(self.folder, self.name)

    @property
    def passphrase(self) -> Path:
        """The file that opens them unattended, mode 0600."""
        return self.folder / "passphrase"

    @property
    def state(self) -> Path:
        """A client's memories, one a study; a custodian's store; an aggregator's data."""
        return self.folder / "state"

    @property
    def instance(self) -> Path:
        """What a custodian's store is bound to; it would be left out of backups."""
        return self.folder / "instance"


@dataclass(frozen=True, slots=True)
class Places:
    """The folder of one demo run.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def public(self) -> Path:
        """What everybody may read: identities, manifests, initial model."""
        return self.root / "public"

    @property
    def initial_model(self) -> Path:
        """The model of round 0, the same in every study."""
        return self.public / "initial.npz"

    @property
    def harness(self) -> Path:
        """DEMO HARNESS: the hospitals' integers in the clear, which no study would ever keep."""
        return self.root / "harness"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "logs"

    @property
    def transcripts(self) -> Path:
        """The artefacts: the studies' transcripts, which `blindsum verify` checks."""
        return self.root / "transcripts"

    @property
    def address(self) -> Path:
        """Where the aggregator says where it listens."""
        return self.party(AGGREGATOR).folder / "address"

    def manifest(self, study: str) -> Path:
        """A study's signed manifest."""
        return self.public / f"{study}.manifest"

    def transcript(self, study: str) -> Path:
        """A study's transcript."""
        return self.transcripts / study

    def party(self, name: str) -> Party:
        """Operator, officer or aggregator."""
        return Party(name, self.root / name)

    def client(self, hospital: str) -> Party:
        """A hospital's client."""
        return Party(hospital, self.root / "hospitals" / hospital / "client")

    def custodian(self, hospital: str) -> Party:
        """The custodian that runs in a hospital."""
        return Party(custodian_of(hospital), self.root / "hospitals" / hospital / "custodian")
