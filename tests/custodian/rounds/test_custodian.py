"""A custodian takes its seat in a study, and keeps it."""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity, WrapKey
from blindsum_crypto.keystore import KeyRing
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.database import Store
from blindsum_rules.manifest import Approval

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B = "custodian-0", "custodian-1"


def seat(play: "Play", key_ring: KeyRing, store: Store) -> Custodian:
    body = Approval("small-study", play.people.manifest.digest)
    return Custodian(
        manifest=play.people.manifest,
        approval=play.people.sign(body, "officer"),
        key_ring=key_ring,
        store=store,
        fetch_signed=play.fetch,
        policy=play.policy,
    )


def test_the_keys_say_which_seat_it_is(play: "Play") -> None:
    for index, name in enumerate(play.names):
        assert play.custodian(name).seat.name == name
        assert play.custodian(name).seat.index == index
        assert play.custodian(name).seat.parts == play.study.committee.parts_of(index)


@pytest.mark.parametrize("kept", ["identity", "wrap key", "neither"])
def test_keys_that_are_not_enrolled_together_have_no_seat(play: "Play", kept: str) -> None:
    identities, wraps = play.people.identities, play.people.wrap_keys
    rings = {
        "identity": KeyRing(identities[A], WrapKey.generate("x25519")),
        "wrap key": KeyRing(identities[B], wraps[A]),
        "neither": KeyRing(Identity.generate(), None),
    }
    store = play.custodian(A).store
    with pytest.raises(Refused) as caught:
        seat(play, rings[kept], store)
    assert caught.value.rule == "not-a-custodian"


def test_a_study_below_the_own_policy_is_not_served(play: "Play") -> None:
    play.policy = CustodianPolicy(min_cohort_floor=4)
    with pytest.raises(Refused) as caught:
        play.custodian(A)
    assert caught.value.rule == "own-min-cohort"
    play.policy = CustodianPolicy()


def test_an_unapproved_manifest_is_not_served(play: "Play") -> None:
    store = play.custodian(A).store
    ring = KeyRing(play.people.identities[A], play.people.wrap_keys[A])
    with pytest.raises(Refused) as caught:
        Custodian(play.people.manifest, None, ring, store, play.fetch)
    assert caught.value.rule == "officer-approval"


def test_another_manifest_of_the_same_study_finds_no_old_memory(play: "Play") -> None:
    play.perform(A, AcceptDuty(play.spec()))
    store = play.custodian(A).store
    play.people = play.people.with_manifest(min_cohort=4)
    with pytest.raises(Refused) as caught:
        play.seat(A, store)
    assert caught.value.rule == "manifest-changed"


def test_two_studies_share_a_store_and_no_round(
    play: "Play", make_play: Callable[..., "Play"]
) -> None:
    other = make_play(study="other-study")
    second = other.seat(A, play.custodian(A).store)
    play.perform(A, CloseDuty(0))

    (acceptance,) = second.perform(AcceptDuty(other.spec()))

    assert (acceptance.body.study, acceptance.body.round_number) == ("other-study", 0)
    assert play.custodian(A).attendance() == ()
    assert len(second.attendance()) == 1


def test_neither_keys_nor_wraps_stand_in_a_repr(play: "Play") -> None:
    spec = play.spec()
    submissions = play.submissions(spec, play.clients[:3])
    duty = play.admit_duty(A, play.page(spec, submissions), submissions)
    shown = repr(play.custodian(A)) + repr(duty)
    ring = play.custodian(A).key_ring
    assert ring.wrap_key is not None
    for secret in (ring.identity.private, ring.wrap_key.private, duty.entries[0].wrap):
        assert repr(secret)[2:40] not in shown
        assert secret.hex() not in shown


def test_the_store_is_durable_and_overwrites_what_it_deletes(play: "Play") -> None:
    store = play.custodian(A).store
    with store.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    assert play.paths(A)[0].stat().st_mode & 0o077 == 0
    assert play.paths(A)[1].stat().st_mode & 0o077 == 0


def test_a_store_of_another_version_is_not_opened(play: "Play") -> None:
    play.custodian(A)
    play.stop(A)
    with sqlite3.connect(play.paths(A)[0]) as connection:
        connection.execute("UPDATE binding SET schema_version = 99")
    connection.close()
    with pytest.raises(Refused) as caught:
        Store.open(*play.paths(A))
    assert caught.value.rule == "store-schema"
