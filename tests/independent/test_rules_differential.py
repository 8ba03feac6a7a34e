"""The product and the page on what nobody chose: amendments, closes and disputes, drawn."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.independent import amending, disputes, notation
from tests.independent.notation import Field, Message, Unaccepted
from tests.vectors.amendment_chains import (
    K0,
    K1,
    K2,
    K3,
    K4,
    K5,
    committee,
    in_groups,
    with_officer,
)
from tests.vectors.generate_disputes import tables
from tests.vectors.plain_study import client, secret

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import Identity
from blindsum_crypto.masking.disputes import disputing
from blindsum_crypto.seal import SealedMember
from blindsum_protos.convert.amendment import amendments_from_messages
from blindsum_protos.convert.signed import sign, signed_from_bytes
from blindsum_protos.convert.strict import parse_strict
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import handover
from blindsum_rules.close import Close
from blindsum_rules.differencing import counts_as_released
from blindsum_rules.manifest import Manifest

NAMES = ("athens", "berlin", "cairo", "delhi", "essen", "fes", "k3", "k4")
KEYS = ("", "second")
COHORT = "abcdefg"


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Field]:
    """A few changes at once; most chains hold, many do not."""
    groups = st.integers(0, 1)
    new = st.builds(client, st.sampled_from(NAMES[3:6]), st.sampled_from(KEYS), groups)
    old = st.builds(client, st.sampled_from(NAMES[:5]), st.sampled_from(KEYS), groups)
    seats = st.sampled_from(((K0, K1, K2, K3), (K0, K1, K2, K4), (K0, K1, K4, K5), (K0, K5)))
    made: dict[str, Field] = {
        "joined": [draw(new)],
        "rotated": [draw(old)],
        "left": [draw(st.sampled_from(NAMES[:5]))],
        "revoked": [draw(st.sampled_from(NAMES))],
        "committee": committee(*draw(seats), threshold=2, quorum=draw(st.integers(2, 3))),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(made)), max_size=3))
    return {what: made[what] for what in sorted(chosen)}


def by_the_product(manifest: Message, amendments: list[Message]) -> AmendedManifest:
    envelope = notation.sign("manifest", manifest, "operator", secret("operator"))
    signed = signed_from_bytes(Manifest, envelope)
    read = amendments_from_messages(
        parse_strict(manifest_pb2.SignedAmendment, one) for one in amendments
    )
    return AmendedManifest(signed).amended(read)


@settings(deadline=None, max_examples=150)
@given(st.booleans(), st.lists(changes(), min_size=1, max_size=3))
def test_both_fold_a_chain_to_the_same_study_or_both_refuse_it(
    grouped: bool,  # noqa: FBT001
    drawn: list[dict[str, Field]],
) -> None:
    chain = in_groups() if grouped else with_officer()
    amendments = [chain.next(**one) for one in drawn]

    try:
        mine = amending.amended(amending.study_of(chain.manifest), amendments)
    except Unaccepted:
        mine = None
    try:
        theirs = by_the_product(chain.manifest, amendments)
    except BlindsumError:
        theirs = None

    assert (mine is None) == (theirs is None)
    if mine is not None and theirs is not None:
        assert theirs.amendment_digest == mine.amendment_digest
        assert (theirs.number, theirs.epoch) == (mine.number, mine.epoch)
        assert handover(theirs.amendments) == amending.handed_to(amendments)
        assert {one.name: one.agreement_key for one in theirs.body.clients} == {
            name: one[2] for name, one in mine.clients.items()
        }
        assert [one.name for one in theirs.body.custodians] == list(mine.custodians)


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from([a + b for a in COHORT for b in COHORT if a < b])))
def test_both_leave_out_the_same_for_disputes(pairs: set[str]) -> None:
    stated = tables(" ".join(sorted(pairs)), COHORT)
    members = [SealedMember(name, bytes(32), table) for name, table in stated.items()]

    mine = disputes.left_out(disputes.disputes_of(COHORT, stated))

    assert sorted(disputing(COHORT, members)) == mine
    assert all(set(pair) & set(mine) for pair in pairs)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["k0", "k1", "k2", "k3"]), st.sampled_from(["", "a", "b"]))),
    st.integers(1, 4),
)
def test_both_count_the_same_freezes_as_released(
    closes: list[tuple[str, str]], quorum: int
) -> None:
    named = [(name, secret(freeze) if freeze else b"") for name, freeze in closes]
    study = amending.study_of(with_officer().manifest)
    signed = [
        sign(Close("heart", 0, freeze, name, bytes(32)), name, Identity(bytes(32)))
        for name, freeze in named
    ]

    mine = amending.counts_as_released(secret("a"), named, replace(study, quorum=quorum))

    assert counts_as_released(secret("a"), signed, quorum) == mine
