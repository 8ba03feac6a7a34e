"""The door of study.toml: what an operator writes by hand, compiled once into a manifest.

`example_toml()` is a complete file with a comment on every key. Keys that are not in it are
refused; every error names its key. Names refer to the NAME.identity files that the operator has
checked; keys never stand in study.toml.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.manifest import (
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.model import Layout
from blindsum_rules.party import PartyIdentity, Role

_EXAMPLE: Final = """\
# A Blindsum study. `blindsum study create` compiles this file into a manifest; the operator signs
# the manifest, and it alone counts. Keys come from the NAME.identity files of the parties.

study = "heart-2026"            # identifier: a-z 0-9 . _ -
purpose = "Predict heart disease from thirteen routine findings"
permit = "Ethics committee, file 2026-117"
kind = "model"                  # what rounds sum: model updates
seals = ["ckks"]                # optional; how vectors are sealed: "ckks", for any number of
                                # clients, or "masking", whose work grows with the clients:
                                # cheaper below about 50 of them, 1,000 at most
not_before = 2026-01-01T00:00:00Z   # no round opens earlier; with a time zone
not_after = 2027-01-01T00:00:00Z    # no round opens later

[parties]
operator = "registry"           # signs the manifest
officer = "privacy-office"      # optional; then the manifest needs this approval too
aggregator = "adder"            # adds, opens the one port

[custodians]                    # the key management
names = ["keeper-a", "keeper-b", "keeper-c", "keeper-d"]
threshold = 2                   # custodians needed to open; one fewer learn nothing
quorum = 3                      # signatures needed: floor((m + threshold - 1) / 2) + 1 or more

[cohort]
min_cohort = 3                  # fewest contributions that may be summed
min_organisations = 3           # fewest organisations among them
no_differencing = "version"     # optional; "version", or "study": over all rounds

[[clients]]                     # one block for each client
name = "cleveland"
organisation = "cleveland-clinic"

[[clients]]
name = "hungary"
organisation = "budapest-cardiology"

[[clients]]
name = "switzerland"
organisation = "basel-zurich"

[[clients]]
name = "va-long-beach"
organisation = "va-long-beach"

[codec]
clip_norm = 1.0                 # L2 norm to which an update is clipped
levels = 65536                  # integer levels that the joint norm maps to, up to 262144
weight_cap = 300                # records above which a client's weight no longer grows; near
                                # what the clients have, or rounding drowns their updates
weight_scale = 1.0              # the hidden weight at weight_cap records, in the unit of clip_norm

[update]
rule = "fedavg"                 # optional; how the aggregate makes the next model
server_learning_rate = 1.0      # optional; factor on the mean update

[schedule]
max_rounds = 12                 # aborted ones count
accept_seconds = 60             # from proposal to a quorum of acceptances
contribute_seconds = 600        # to train and send; the round freezes accept_seconds plus this
                                # after its proposal at the latest
release_seconds = 300           # from the contribution deadline to the release deadline
pause_seconds = 0               # optional; from a round's closes to the next opening
quota = 0                       # optional; contributions that freeze early; 0: the whole cohort
"""

_Count = Annotated[int, Field(ge=1, lt=2**32)]
_CountOrZero = Annotated[int, Field(ge=0, lt=2**32)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Parties(_Table):
    operator: str
    officer: str | None = None
    aggregator: str


class _Custodians(_Table):
    names: list[str]
    threshold: _Count
    quorum: _Count


class _Cohort(_Table):
    min_cohort: _Count
    min_organisations: _Count
    no_differencing: Literal["version", "study"] = "version"


class _Client(_Table):
    name: str
    organisation: str


class _Codec(_Table):
    clip_norm: float
    levels: _Count
    weight_cap: _Count
    weight_scale: float


class _Update(_Table):
    rule: str = "fedavg"
    server_learning_rate: float = 1.0


class _Schedule(_Table):
    max_rounds: _Count
    accept_seconds: _Count
    contribute_seconds: _Count
    release_seconds: _Count
    pause_seconds: _CountOrZero = 0
    quota: _CountOrZero = 0


class _Study(_Table):
    study: str
    purpose: str
    permit: str
    kind: Literal["model"]
    seals: list[str] = ["ckks"]
    not_before: AwareDatetime
    not_after: AwareDatetime
    parties: _Parties
    custodians: _Custodians
    cohort: _Cohort
    clients: list[_Client]
    codec: _Codec
    update: _Update = _Update()
    schedule: _Schedule


def example_toml() -> str:
    """A complete study.toml with a comment on every key, for `study create --example`."""
    return _EXAMPLE


def manifest_from_toml(
    text: str,
    identities: Mapping[str, PartyIdentity],
    initial_model_digest: bytes,
    layout: Layout,
) -> Manifest:
    """Compile study.toml into a manifest that passes `check_manifest`.

    Clients, custodians and seals may stand in any order in the file; the manifest sorts them.

    Args:
        text: The file. Its format is `example_toml()`.
        identities: The verified NAME.identity values by name.
        initial_model_digest: `model_digest` of the model of round 0, 32 bytes.
        layout: That model's arrays.

    Raises:
        Rejected: `study-toml`, when the file is no TOML, lacks a key, has an unknown key or a value
            of the wrong kind; it names the key.
        Refused: `no-identity`, when a name has no identity; `identity-role`, when the identity is
            for another role. And what `check_manifest` and `Codec` raise.
    """
    study = _parse(text)
    parties = _Enrolment(identities)
    manifest = Manifest(
        study=study.study,
        purpose=study.purpose,
        permit=study.permit,
        kind=StudyKind(study.kind),
        seals=tuple(sorted(study.seals)),
        operator=parties.party(study.parties.operator, Role.OPERATOR),
        officer=(
            None
            if study.parties.officer is None
            else parties.party(study.parties.officer, Role.OFFICER)
        ),
        aggregator=parties.party(study.parties.aggregator, Role.AGGREGATOR),
        clients=tuple(
            sorted((parties.client(one) for one in study.clients), key=lambda one: one.name)
        ),
        custodians=tuple(parties.custodian(name) for name in sorted(study.custodians.names)),
        threshold=study.custodians.threshold,
        quorum=study.custodians.quorum,
        min_cohort=study.cohort.min_cohort,
        min_organisations=study.cohort.min_organisations,
        codec=Codec(**study.codec.model_dump()),
        layout=layout,
        initial_model_digest=initial_model_digest,
        update_rule=study.update.rule,
        server_learning_rate=study.update.server_learning_rate,
        schedule=Schedule(**study.schedule.model_dump()),
        no_differencing=DifferencingScope(study.cohort.no_differencing),
        not_before_unix=_unix(study.not_before),
        not_after_unix=_unix(study.not_after),
    )
    check_manifest(manifest)
    return manifest


def _parse(text: str) -> _Study:
    try:
        return _Study.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Rejected("study-toml", f"expected TOML: {error}") from error
    except ValidationError as error:
        problems = (
            f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise Rejected("study-toml", "; ".join(problems)) from error


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


class _Enrolment:
    """Names of study.toml turned into parties with the keys of their identities."""

    def __init__(self, identities: Mapping[str, PartyIdentity]) -> None:
        self._identities = identities

    def party(self, name: str, role: Role) -> Party:
        return Party(name, self._find(name, role).identity)

    def client(self, client: _Client) -> EnrolledClient:
        found = self._find(client.name, Role.CLIENT)
        return EnrolledClient(client.name, client.organisation, found.identity, found.agreement_key)

    def custodian(self, name: str) -> EnrolledCustodian:
        found = self._find(name, Role.CUSTODIAN)
        return EnrolledCustodian(name, found.identity, found.wrap_suite, found.wrap_key)

    def _find(self, name: str, role: Role) -> PartyIdentity:
        found = self._identities.get(name)
        if found is None:
            raise Refused(
                "no-identity",
                f"expected an identity that names {role.value} {name!r}; of whom a file is stands "
                "in it, not in the name of the file",
            )
        if found.name != name or found.role is not role:
            raise Refused(
                "identity-role",
                f"expected the identity of {role.value} {name!r}, got that of "
                f"{found.role.value} {found.name!r}",
            )
        return found
