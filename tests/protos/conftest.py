"""What the tests of the wire share: one example of every signed kind, and strategies for all."""

import importlib
from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.protos.amendments import NAME, amendments, signed_amendments
from tests.protos.operator_requests import operator_requests
from tests.protos.seal_parameters import seal_parameters
from tests.protos.summing import COUNT, NUMBER, UINT32, codecs, policies, queries, sparsities

from blindsum_crypto.identity import Identity
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, Denial, HeaderPage
from blindsum_rules.amendment import Amendment
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.header import Contribution, CoreHeader
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
from blindsum_rules.release import PartRelease, Release
from blindsum_rules.requests import Call, OperatorRequest
from blindsum_rules.spec import PreviousRound, Spec, SpecKind

DIGEST = st.binary(min_size=32, max_size=32)
MAYBE_DIGEST = st.one_of(st.just(b""), DIGEST)
RULE = st.from_regex(r"[a-z0-9]{1,12}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
UNPRINTED: Final = ("Cs", "Cc", "Zl", "Zp")
LINE = st.text(st.characters(exclude_categories=UNPRINTED), min_size=1, max_size=40)
LINES = st.text(st.characters(exclude_categories=UNPRINTED, include_characters="\n\t"))
UNIX = st.integers(0, 253_402_300_799)
SIGNER = st.just("signer")  # whose key the tests hold
HERE = {"study": NAME, "round_number": UINT32, "round_id": DIGEST}
WRAP_KEY_BYTES = {"x25519": 32, "mlkem768x25519": 1216}


def ascending(items: SearchStrategy[Any], key: str = "") -> SearchStrategy[tuple[Any, ...]]:
    """Tuples of up to four items that ascend, by an attribute if one is named."""
    order = attrgetter(key) if key else None
    several = st.lists(items, max_size=4, unique_by=order or (lambda item: item))
    return several.map(lambda found: tuple(sorted(found, key=order)))


def several(items: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, ...]]:
    """Tuples of up to four distinct items in any order."""
    return st.lists(items, max_size=4, unique=True).map(tuple)


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


def specs() -> SearchStrategy[Spec]:
    identity = Identity(bytes(32))
    by = partial(sign, identity=identity)
    closes, endorsements = (st.builds(by, one, NAME) for one in (closes_of(), endorsements_of()))
    of_both = {
        "study": NAME,
        "round_number": UINT32,
        "amendment_digest": DIGEST,
        "epoch": UINT32,
        "model_version": UINT32,
        "model_digest": DIGEST,
        "previous": st.builds(PreviousRound, DIGEST, MAYBE_DIGEST, MAYBE_DIGEST),
        "closes": ascending(closes, "signer"),
        "endorsements": ascending(endorsements, "signer"),
        "vector_length": COUNT,
        "seal": NAME,
        "codec": st.none() | codecs(),
        "min_cohort": UINT32,
        "contribute_deadline_unix": UNIX,
        "release_deadline_unix": UNIX,
        "amendments": signed_amendments(identity),
        "group": UINT32,
    }
    rounds = st.builds(
        Spec,
        kind=st.just(SpecKind.ROUND),
        parameters=seal_parameters(),
        cohort=ascending(NAME).filter(bool),
        wrap_key_digests=several(DIGEST).filter(bool),
        **of_both,
    )
    ends = st.builds(
        Spec,
        kind=st.just(SpecKind.END),
        parameters=st.none(),
        cohort=st.just(()),
        wrap_key_digests=st.just(()),
        **of_both,
    )
    return rounds | ends


def closes_of() -> SearchStrategy[Close]:
    return st.builds(Close, NAME, UINT32, MAYBE_DIGEST, SIGNER, DIGEST)


def endorsements_of() -> SearchStrategy[Endorsement]:
    return st.builds(Endorsement, **HERE, freeze_digest=DIGEST, custodian=SIGNER)


def contributions() -> SearchStrategy[Contribution]:
    cores = st.builds(
        CoreHeader,
        **HERE,
        client=NAME,
        seal=NAME,
        payload_digest=DIGEST,
        payload_bytes=COUNT,
        seed_commitments=several(DIGEST),
        self_commitment=MAYBE_DIGEST,
        pair_table_digest=MAYBE_DIGEST,
    )
    return st.builds(
        lambda core, wraps: Contribution(core, core_header_bytes(core), wraps),
        cores,
        several(DIGEST),
    )


def certificates() -> SearchStrategy[Certificate]:
    return st.builds(
        Certificate,
        **HERE,
        acceptance_digests=ascending(DIGEST),
        contribution_digests=several(DIGEST),
        page_digests=several(DIGEST),
        admission_digests=several(DIGEST),
        freeze_digest=DIGEST,
        endorsement_digests=ascending(DIGEST),
        exception_digest=MAYBE_DIGEST,
        release_digests=ascending(DIGEST),
        sealed_sum_root=DIGEST,
        aggregate_commitment=DIGEST,
        opened_by=ascending(NAME),
        disagreeing=ascending(NAME),
    )


def freezes() -> SearchStrategy[Freeze]:
    return st.builds(
        Freeze,
        **HERE,
        members=ascending(st.builds(Member, NAME, DIGEST), "client"),
        root=DIGEST,
        left_out=ascending(st.builds(LeftOut, NAME, DIGEST, RULE), "client"),
    )


def releases() -> SearchStrategy[Release]:
    parts = st.builds(
        PartRelease, st.integers(0, (1 << 63) - 1), st.binary(min_size=1, max_size=99)
    )
    return st.builds(
        Release,
        **HERE,
        freeze_digest=DIGEST,
        page=UINT32,
        parts=ascending(parts, "part"),
        custodian=SIGNER,
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
