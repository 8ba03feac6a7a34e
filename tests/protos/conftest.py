"""What the tests of the wire share: one example of every signed kind, and strategies for all."""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.protos.amendments import NAME, amendments
from tests.protos.operator_requests import operator_requests
from tests.protos.rounds import (
    DIGEST,
    HERE,
    LINE,
    LINES,
    MAYBE_DIGEST,
    RULE,
    SIGNER,
    UNIX,
    ascending,
    certificates,
    closes_of,
    contributions,
    endorsements_of,
    freezes,
    releases,
    several,
    specs,
)
from tests.protos.summing import COUNT, NUMBER, UINT32, codecs, policies, queries, sparsities

from blindsum_crypto.identity import Identity
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, Denial, HeaderPage
from blindsum_rules.amendment import Amendment
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution
from blindsum_rules.manifest import (
    Approval,
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.receipt import Receipt
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.requests import Call, OperatorRequest
from blindsum_rules.spec import Spec

WRAP_KEY_BYTES = {"x25519": 32, "mlkem768x25519": 1216}


def party_identities() -> SearchStrategy[PartyIdentity]:
    signing = st.sampled_from((Role.OPERATOR, Role.OFFICER, Role.AGGREGATOR))
    clients = st.builds(PartyIdentity, NAME, st.just(Role.CLIENT), DIGEST, DIGEST)
    custodians = st.sampled_from(sorted(WRAP_KEY_BYTES)).flatmap(
        lambda suite: st.builds(
            PartyIdentity,
            NAME,
            st.just(Role.CUSTODIAN),
            DIGEST,
            st.just(b""),
            st.just(suite),
            st.binary(min_size=WRAP_KEY_BYTES[suite], max_size=WRAP_KEY_BYTES[suite]),
        )
    )
    return st.one_of(st.builds(PartyIdentity, NAME, signing, DIGEST), clients, custodians)


def manifests() -> SearchStrategy[Manifest]:
    parties = st.builds(Party, NAME, DIGEST)
    clients = st.builds(EnrolledClient, NAME, NAME, DIGEST, DIGEST, UINT32)
    custodians = st.builds(EnrolledCustodian, NAME, DIGEST, st.just("x25519"), DIGEST)
    arrays = st.builds(NamedArray, LINE, st.lists(COUNT, max_size=3).map(tuple))
    return st.builds(
        Manifest,
        study=NAME,
        purpose=LINES,
        permit=LINES,
        kind=st.sampled_from(StudyKind),
        seals=several(NAME),
        operator=parties,
        officer=st.none() | parties,
        aggregator=parties,
        clients=ascending(clients, "name"),
        custodians=ascending(custodians, "name"),
        threshold=UINT32,
        quorum=UINT32,
        min_cohort=UINT32,
        min_organisations=UINT32,
        codec=st.none() | codecs(),
        layout=several(arrays).map(Layout),
        initial_model_digest=DIGEST,
        update_rule=NAME,
        server_learning_rate=NUMBER,
        schedule=st.builds(Schedule, UINT32, UINT32, UINT32, UINT32, UINT32, UINT32),
        no_differencing=st.sampled_from(DifferencingScope),
        not_before_unix=UNIX,
        not_after_unix=UNIX,
        privacy=st.none() | policies(),
        sparsity=st.none() | sparsities(),
        local_methods=ascending(NAME),
        queries=several(queries()),
    )


@pytest.fixture(scope="session")
def body_strategies() -> Mapping[type[Any], SearchStrategy[Any]]:
    """A strategy for every signed kind."""
    nonces = st.binary(min_size=16, max_size=16)
    kinds = st.sampled_from(("refused", "rejected", "aborted", "unavailable"))
    methods = st.from_regex(r"/[A-Za-z0-9_.]{1,40}/[A-Za-z0-9_]{1,40}", fullmatch=True)
    return {
        PartyIdentity: party_identities(),
        Manifest: manifests(),
        Approval: st.builds(Approval, NAME, DIGEST),
        Amendment: amendments(),
        DifferencingException: st.builds(
            DifferencingException, NAME, UINT32, UINT32, ascending(NAME), LINE, DIGEST
        ),
        Spec: specs(),
        Acceptance: st.builds(Acceptance, **HERE, custodian=SIGNER),
        Close: closes_of(),
        Contribution: contributions(),
        Receipt: st.builds(
            Receipt, **HERE, client=NAME, contribution_digest=DIGEST, received_unix=UNIX
        ),
        HeaderPage: st.builds(
            HeaderPage, **HERE, page=UINT32, contribution_digests=several(DIGEST)
        ),
        Admission: st.builds(
            Admission,
            **HERE,
            page=UINT32,
            root=DIGEST,
            denials=several(st.builds(Denial, NAME, DIGEST, RULE)),
            custodian=SIGNER,
        ),
        Freeze: freezes(),
        Endorsement: endorsements_of(),
        Release: releases(),
        Certificate: certificates(),
        Abort: st.builds(Abort, **HERE, freeze_digest=MAYBE_DIGEST, rule=RULE, expected=LINE),
        Refusal: st.builds(Refusal, NAME, MAYBE_DIGEST, kinds, RULE, LINE),
        OperatorRequest: operator_requests(UNIX),
        Call: st.builds(Call, NAME, NAME, methods, UNIX, nonces),
    }


@pytest.fixture(scope="session")
def known_answers() -> ModuleType:
    """The script that writes the known answers."""
    return importlib.import_module("tests.vectors.generate_signed_bodies")


@pytest.fixture(scope="session")
def examples(known_answers: ModuleType) -> Mapping[type[Any], Any]:
    """One fixed value of every signed kind."""
    found: Mapping[type[Any], Any] = known_answers.examples()
    return found


@pytest.fixture(scope="session")
def identity() -> Identity:
    """The key pair of the party "signer"."""
    return Identity(bytes(range(32)))
