"""What a value works out once and remembers is what it would work out anew."""

import copy
from dataclasses import replace

from blindsum_crypto.identity import Identity
from blindsum_crypto.primitives import digest
from blindsum_protos.convert.signed import sign
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.signed import Signed

ENDORSEMENT = Endorsement("study", 0, bytes(32), bytes(32), "custodian-0")


def signed() -> Signed[Endorsement]:
    return sign(ENDORSEMENT, "custodian-0", Identity(bytes(32)))


def test_a_digest_is_that_of_the_bytes_whenever_it_is_asked_for() -> None:
    message = signed()
    expected = digest(Endorsement.DOMAIN, message.body_bytes)
    assert message.digest == message.digest == expected


def test_other_bytes_have_another_digest_also_behind_a_remembered_one() -> None:
    message = signed()
    before = message.digest
    changed = replace(message, body_bytes=message.body_bytes + b"x")
    assert changed.digest == digest(Endorsement.DOMAIN, message.body_bytes + b"x") != before


def test_what_is_remembered_makes_no_difference_between_equal_messages() -> None:
    asked, never = signed(), signed()
    assert asked.digest
    assert asked == never
    assert hash(asked) == hash(never)
    assert repr(asked) == repr(never)
    assert copy.copy(asked) == never


def test_the_clients_of_a_freeze_are_those_of_its_members() -> None:
    members = tuple(Member(f"client-{number}", bytes(32)) for number in range(4))
    freeze = Freeze("study", 0, bytes(32), members, bytes(32), ())
    assert freeze.clients == freeze.clients == {member.client for member in members}
    assert replace(freeze, members=members[:2]).clients == {"client-0", "client-1"}
    assert freeze == Freeze("study", 0, bytes(32), members, bytes(32), ())


def test_a_freeze_that_names_a_client_twice_has_it_once_in_its_set() -> None:
    member = Member("client-0", bytes(32))
    freeze = Freeze("study", 0, bytes(32), (member, member), bytes(32), ())
    assert freeze.clients == freeze.clients == {"client-0"}
    assert Freeze("study", 0, bytes(32), (), bytes(32), ()).clients == frozenset()
