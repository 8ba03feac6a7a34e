"""The door of study.toml: what an operator writes by hand, compiled once into a manifest.

`study_example.py` is a complete file with a comment on every key, `study_tables.py` says which
keys there are; every error names its key. Names refer to the NAME.identity files that the operator
has checked; keys never stand in study.toml.
"""

from collections.abc import Mapping
from datetime import datetime

from blindsum_crypto.errors import Refused
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.groups import in_groups
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
from blindsum_rules.model import Layout, model_digest
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.sparsity import Sparsity
from blindsum_rules.statistics.answered import ANSWERED_LAYOUT, ANSWERED_RULE, nothing_answered
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import ClientTable, StudyTable, parse_study


def manifest_from_toml(
    text: str,
    identities: Mapping[str, PartyIdentity],
    initial_model_digest: bytes | None = None,
    layout: Layout | None = None,
) -> Manifest:
    """Compile study.toml into a manifest that passes `check_manifest`.

    Clients, custodians and seals may stand in any order in the file; the manifest sorts them.

    Args:
        text: The file, as `study_example.example_toml` shows it.
        identities: The verified NAME.identity values by name.
        initial_model_digest: `model_digest` of the model of round 0, 32 bytes; for a statistic
            study both stay away.
        layout: That model's arrays.

    Raises:
        Rejected: `study-toml`, when the file is no TOML, lacks a key, has an unknown key or a value
            of the wrong kind; it names the key.
        Refused: `first-model`, when a study that trains has none, or one of statistics has one;
            `no-identity`, when a name has no identity; `identity-role`, when the identity is
            for another role. And what `check_manifest` and `Codec` raise.
    """
    study = parse_study(text)
    of_statistics = study.kind is StudyKind.STATISTIC
    if {layout is None, initial_model_digest is None} != {of_statistics}:
        raise Refused("first-model", "expected a model to begin with exactly where one is trained")
    most_records = 0 if study.privacy is None else study.privacy.units_per_client
    parties = _Enrolment(identities)
    manifest = Manifest(
        study=study.study,
        purpose=study.purpose,
        permit=study.permit,
        kind=study.kind,
        seals=tuple(sorted(study.seals)),
        operator=parties.party(study.parties.operator, Role.OPERATOR),
        officer=(
            None
            if study.parties.officer is None
            else parties.party(study.parties.officer, Role.OFFICER)
        ),
        aggregator=parties.party(study.parties.aggregator, Role.AGGREGATOR),
        clients=in_groups(
            sorted((parties.client(one) for one in study.clients), key=lambda one: one.name),
            study.cohort.groups,
        ),
        custodians=tuple(parties.custodian(name) for name in sorted(study.custodians.names)),
        threshold=study.custodians.threshold,
        quorum=study.custodians.quorum,
        min_cohort=study.cohort.min_cohort,
        min_organisations=study.cohort.min_organisations,
        codec=None if study.codec is None else Codec(**study.codec.model_dump()),
        layout=layout or ANSWERED_LAYOUT,
        initial_model_digest=initial_model_digest or model_digest(nothing_answered()),
        update_rule=ANSWERED_RULE if of_statistics else study.update.rule,
        server_learning_rate=study.update.server_learning_rate,
        schedule=Schedule(**study.schedule.model_dump()),
        no_differencing=_scope(study),
        not_before_unix=_unix(study.not_before),
        not_after_unix=_unix(study.not_after),
        sparsity=(
            None
            if study.compression is None
            else Sparsity(study.compression.rule, study.compression.kept)
        ),
        local_methods=tuple(sorted(study.update.local_methods)),
        queries=tuple(query.query(most_records) for query in study.queries),
    )
    if study.privacy is not None:
        manifest = with_privacy(manifest, study.privacy)
    check_manifest(manifest)
    return manifest


def _scope(study: StudyTable) -> DifferencingScope:
    """What the file says, or what is right for its kind: queries of statistics overlap."""
    of_statistics = study.kind is StudyKind.STATISTIC
    default = DifferencingScope.STUDY if of_statistics else DifferencingScope.VERSION
    return DifferencingScope(study.cohort.no_differencing or default)


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


class _Enrolment:
    """Names of study.toml turned into parties with the keys of their identities."""

    def __init__(self, identities: Mapping[str, PartyIdentity]) -> None:
        self._identities = identities

    def party(self, name: str, role: Role) -> Party:
        return Party(name, self._find(name, role).identity)

    def client(self, client: ClientTable) -> EnrolledClient:
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
