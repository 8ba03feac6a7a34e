"""`blindsum study amend`, its officer's signature, and what of it people are told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import PASSPHRASE, Desk, Ran, Run

from blindsum_cli.key_files import make_party
from blindsum_cli.manifest_file import read_amended, read_manifest_unchecked
from blindsum_rules.party import Role

NEWCOMERS = {"basel": Role.CLIENT, "bern": Role.CLIENT, "keeper-e": Role.CUSTODIAN}

Amend = Callable[..., Ran]


@pytest.fixture(scope="session")
def newcomers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("newcomers")
    for name, role in NEWCOMERS.items():
        make_party(folder, name, role, PASSPHRASE.encode())
    return folder


@pytest.fixture
def amend(signed: Desk, newcomers: Path, run: Run) -> Amend:
    """Amend the signed study as its operator: `amend("--leave", "hungary")`."""

    def amending(*options: object, key: str = "registry") -> Ran:
        return run(
            *("study", "amend", signed.manifest, "--key", signed.key(key)),
            *("--reason", "Asked for.", "--identity", newcomers, *options),
        )

    return amending


@pytest.fixture
def approve(signed: Desk, run: Run) -> Callable[[], Ran]:
    return lambda: run("study", "sign", signed.manifest, "--key", signed.key("privacy-office"))


def test_several_changes_at_once_are_told_in_words_with_what_comes_next(
    amend: Amend, signed: Desk
) -> None:
    ran = amend(
        *("--join", "basel=org-basel", "--join", "bern=org-bern", "--leave", "hungary"),
        *("--seat", "keeper-e", "--unseat", "keeper-d"),
    )

    assert ran.code == 0, ran.err
    assert "basel of org-basel, bern of org-bern join" in ran.out
    assert "hungary leaves" in ran.out
    assert "keeper-e is new; keeper-d gives up its seat" in ran.out
    assert "not yet by the officer" in ran.out
    assert f"officer 'privacy-office' runs: blindsum study sign {signed.manifest}" in ran.err
    assert f"send {signed.manifest} to basel, bern, keeper-e;" in ran.err
    assert "blindsum round amend" in ran.err


def test_the_officer_signs_the_last_amendment_by_the_command_that_signs_all(
    amend: Amend, approve: Callable[[], Ran], signed: Desk, run: Run
) -> None:
    digest = read_manifest_unchecked(signed.manifest).manifest.digest
    amend("--leave", "hungary")

    ran = approve()

    assert ran.code == 0, ran.err
    assert "amendment 1 approved" in ran.out
    amended = read_amended(signed.manifest)
    assert amended.number == 1
    assert "hungary" not in amended.body.client_keys
    assert amended.digest == digest
    verified = run("study", "verify", signed.manifest, "--digest", digest.hex())
    assert "amended 1 times" in verified.out


def test_show_tells_the_study_as_it_is_amended_and_every_amendment(
    amend: Amend, approve: Callable[[], Ran], signed: Desk, run: Run
) -> None:
    amend("--join", "basel=org-basel")
    approve()
    amend("--revoke", "hungary")

    shown = run("study", "show", signed.manifest)
    plain = json.loads(run("study", "show", signed.manifest, "--json").out)

    assert "amendment 1, epoch 1, signed by operator 'registry' and officer" in shown.out
    assert "amendment 2, epoch 1, signed by operator 'registry', not yet by the officer" in (
        shown.out
    )
    assert "basel" in [client["name"] for client in plain["clients"]]
    assert [one["signed_by_all"] for one in plain["amendments"]] == [True, False]
    assert plain["amendments"][1]["changes"] == ["hungary is revoked, its keys count no longer"]


def test_an_amendment_that_the_officer_has_not_signed_can_be_replaced(
    amend: Amend, approve: Callable[[], Ran], signed: Desk
) -> None:
    amend("--leave", "hungary")
    blocked = amend("--leave", "cleveland")
    assert blocked.code == 1
    assert "officer-approval" in blocked.err
    assert "--replace" in blocked.err

    assert amend("--leave", "cleveland", "--replace").code == 0

    approve()
    assert [one.body.left for one in read_amended(signed.manifest).amendments] == [("cleveland",)]
    late = amend("--leave", "hungary", "--replace")
    assert "amendment-signed" in late.err


def test_a_revocation_is_sent_to_every_custodian(amend: Amend) -> None:
    ran = amend("--revoke", "hungary")

    assert "every custodian, which restarts with it and heeds the revocation at once" in ran.err


def test_a_custodian_that_is_revoked_loses_its_seat(
    amend: Amend, approve: Callable[[], Ran], signed: Desk
) -> None:
    amend("--revoke", "keeper-a", "--seat", "keeper-e")
    approve()

    names = list(read_amended(signed.manifest).body.custodian_keys)
    assert names == ["keeper-b", "keeper-c", "keeper-d", "keeper-e"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ((), "amendment-empty"),
        (("--leave", "nobody"), "unknown-party"),
        (("--unseat", "nobody"), "unknown-party"),
        (("--rotate", "nobody"), "unknown-party"),
        (("--join", "ghost=org"), "no-identity"),
        (("--join", "keeper-e=org"), "identity-role"),
        (("--seat", "basel"), "identity-role"),
        (("--unseat", "keeper-a", "--unseat", "keeper-b"), "quorum-rule"),
        (("--quorum", "2"), "quorum-rule"),
        (("--leave", "cleveland", "--leave", "hungary"), "min-cohort"),
    ],
)
def test_a_wish_that_breaks_a_rule_is_refused_and_leaves_the_file_alone(
    amend: Amend, signed: Desk, options: tuple[str, ...], rule: str
) -> None:
    before = signed.manifest.read_bytes()

    ran = amend(*options)

    assert ran.code == 1
    assert rule in ran.err
    assert signed.manifest.read_bytes() == before


def test_a_rotation_needs_a_new_key_under_the_identity_as_it_was(
    amend: Amend, signed: Desk, tmp_path: Path
) -> None:
    same = amend("--rotate", "hungary", "--identity", signed.identity("hungary"))
    assert "amendment-rotation" in same.err
    make_party(tmp_path / "other", "hungary", Role.CLIENT, PASSPHRASE.encode())

    other = amend("--rotate", "hungary", "--identity", tmp_path / "other" / "hungary.identity")

    assert other.code == 1
    assert "identity-party" in other.err


def test_another_party_s_key_amends_nothing(amend: Amend) -> None:
    ran = amend("--leave", "hungary", key="adder")

    assert ran.code == 1
    assert "operator-key" in ran.err


def test_another_party_s_key_approves_nothing(amend: Amend, signed: Desk, run: Run) -> None:
    amend("--leave", "hungary")

    ran = run("study", "sign", signed.manifest, "--key", signed.key("registry"))

    assert ran.code == 1
    assert "officer-key" in ran.err


@pytest.mark.parametrize("given", ["basel", "basel=", "=org", "basel=a --join basel=b"])
def test_a_join_says_name_and_organisation_once(amend: Amend, given: str) -> None:
    first, *more = given.split(" ")

    assert amend("--join", first, *more).code == 2


def test_what_is_handed_in_is_signed_by_all_and_is_something(
    amend: Amend, signed: Desk, run: Run, unused_address: str
) -> None:
    hand_in = ("round", "amend", signed.manifest, "--key", signed.key("registry"))

    nothing = run(*hand_in, "--aggregator", unused_address)
    amend("--leave", "hungary")
    half = run(*hand_in, "--aggregator", unused_address)

    assert (nothing.code, half.code) == (1, 1)
    assert "no-amendment" in nothing.err
    assert "officer-approval" in half.err
