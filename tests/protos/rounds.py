"""Strategies for what a round signs: specs, closes, contributions, freezes, releases."""

from functools import partial
from operator import attrgetter
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from tests.protos.amendments import NAME, signed_amendments
from tests.protos.seal_parameters import seal_parameters
from tests.protos.summing import COUNT, UINT32, codecs

from blindsum_crypto.identity import Identity
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.certificate import Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.header import Contribution, CoreHeader
from blindsum_rules.release import PartRelease, Release
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


def ascending(items: SearchStrategy[Any], key: str = "") -> SearchStrategy[tuple[Any, ...]]:
    """Tuples of up to four items that ascend, by an attribute if one is named."""
    order = attrgetter(key) if key else None
    several = st.lists(items, max_size=4, unique_by=order or (lambda item: item))
    return several.map(lambda found: tuple(sorted(found, key=order)))


def several(items: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, ...]]:
    """Tuples of up to four distinct items in any order."""
    return st.lists(items, max_size=4, unique=True).map(tuple)


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
    return st.builds(Close, NAME, UINT32, MAYBE_DIGEST, SIGNER, DIGEST, MAYBE_DIGEST)


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
