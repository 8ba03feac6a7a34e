"""The study behind a measured round: everybody's real keys, a checked manifest, a signed spec."""

import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from blindsum_cli.bench.scenario import FEWEST_SURVIVORS, Scenario
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_protos.convert.signed import sign
from blindsum_rules.amended_manifest import AmendedManifest
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
from blindsum_rules.model import Layout, NamedArray, model_digest
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import check_spec, wrap_key_digests

ARRAY: Final = "model"
_OPERATOR: Final = "operator"
_AGGREGATOR: Final = "aggregator"
_HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """One client's keys: its identity, and its agreement key of the epoch."""

    identity: Identity = field(default_factory=Identity.generate, repr=False)
    agreement: AgreementKey = field(default_factory=AgreementKey.generate, repr=False)


@dataclass(frozen=True, slots=True)
class CustodianKeys:
    """One custodian's keys: its identity, and its wrap key of the epoch."""

    identity: Identity = field(default_factory=Identity.generate, repr=False)
    wrap: WrapKey = field(default_factory=WrapKey.generate, repr=False)


@dataclass(frozen=True, slots=True)
class Study:
    """Everybody's keys and what they agreed on.

    Attributes:
        manifest: The signed manifest, checked as every role checks it.
        spec: The signed spec of round 0, checked as every role checks it.
        aggregator: The aggregator's identity.
        clients: Client id to keys.
        custodians: Custodian id to keys, in manifest order.
    """

    manifest: Signed[Manifest]
    spec: Signed[Spec]
    aggregator: Identity = field(repr=False)
    clients: dict[str, ClientKeys] = field(repr=False)
    custodians: dict[str, CustodianKeys] = field(repr=False)

    @property
    def has_pairs(self) -> bool:
        """Whether every two clients of the round share a mask."""
        return isinstance(self.spec.body.parameters, MaskingParameters)


def set_up(scenario: Scenario, seal: str, clients: dict[str, ClientKeys]) -> Study:
    """Enrol everybody in a study of one round.

    Args:
        scenario: What is asked.
        seal: `ckks` or `masking`.
        clients: Their keys.

    Raises:
        Refused: what a manifest or a spec is refused by: `masking-cohort`, `quorum-rule`, ...
    """
    custodians = {f"custodian-{index}": CustodianKeys() for index in range(scenario.custodians)}
    operator, aggregator = Identity.generate(), Identity.generate()
    parties = (
        Party(_OPERATOR, operator.public),
        Party(_AGGREGATOR, aggregator.public),
    )
    manifest = sign(_manifest(scenario, seal, parties, clients, custodians), _OPERATOR, operator)
    check_manifest(manifest.body)
    spec = sign(_spec(manifest, seal), _AGGREGATOR, aggregator)
    check_spec(spec, AmendedManifest(manifest), int(time.time()))
    return Study(manifest, spec, aggregator, clients, custodians)


def _manifest(
    scenario: Scenario,
    seal: str,
    parties: tuple[Party, Party],
    clients: dict[str, ClientKeys],
    custodians: dict[str, CustodianKeys],
) -> Manifest:
    now = int(time.time())
    model = np.zeros(scenario.values, np.float32)
    return Manifest(
        study="bench",
        purpose="to measure what sealing costs",
        permit="none is needed: the values are drawn, not measured",
        kind=StudyKind.MODEL,
        seals=(seal,),
        operator=parties[0],
        officer=None,
        aggregator=parties[1],
        clients=tuple(
            EnrolledClient(name, name, keys.identity.public, keys.agreement.public)
            for name, keys in clients.items()
        ),
        custodians=tuple(
            EnrolledCustodian(name, keys.identity.public, keys.wrap.suite, keys.wrap.public)
            for name, keys in custodians.items()
        ),
        threshold=scenario.threshold,
        quorum=scenario.quorum,
        min_cohort=FEWEST_SURVIVORS,
        min_organisations=1,
        codec=scenario.codec,
        layout=Layout((NamedArray(ARRAY, (scenario.values,)),)),
        initial_model_digest=model_digest(model),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(
            max_rounds=1,
            accept_seconds=60,
            contribute_seconds=600,
            release_seconds=300,
            pause_seconds=0,
            quota=0,
        ),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=now - _HOUR_SECONDS,
        not_after_unix=now + 24 * _HOUR_SECONDS,
    )


def _spec(manifest: Signed[Manifest], seal: str) -> Spec:
    study = manifest.body
    now = int(time.time())
    contribute = now + study.schedule.contribute_seconds
    return Spec(
        study=study.study,
        kind=SpecKind.ROUND,
        round_number=0,
        amendment_digest=manifest.digest,
        epoch=0,
        model_version=0,
        model_digest=study.initial_model_digest,
        previous=PreviousRound(manifest.digest),
        closes=(),
        endorsements=(),
        vector_length=study.vector_length,
        seal=seal,
        parameters=seal_parameters(study, seal, len(study.clients)),
        codec=study.codec,
        cohort=tuple(client.name for client in study.clients),
        min_cohort=study.min_cohort,
        wrap_key_digests=wrap_key_digests(study),
        contribute_deadline_unix=contribute,
        release_deadline_unix=contribute + study.schedule.release_seconds,
    )
