"""`blindsum keys rotate`: keys of a new epoch under the same identity, beside the old ones."""

import shutil
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import PASSPHRASE, Desk, Run

from blindsum_cli.key_files import open_key, open_keys, read_identity
from blindsum_cli.manifest_file import read_manifest
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import fingerprint


def test_a_client_gets_a_new_agreement_key_and_keeps_its_identity(run: Run, desk: Desk) -> None:
    old = desk.key("cleveland").read_bytes()

    ran = run("keys", "rotate", desk.key("cleveland"))

    assert ran.code == 0, ran.err
    new_file = desk.folder / "cleveland.2.key"
    assert stat.S_IMODE(new_file.stat().st_mode) == 0o600
    before, after = (
        open_key(path, PASSPHRASE.encode()) for path in (desk.key("cleveland"), new_file)
    )
    assert after.identity.public == before.identity.public
    assert before.agreement_key is not None
    assert after.agreement_key is not None
    assert after.agreement_key.public != before.agreement_key.public
    assert after.wrap_key is None
    assert desk.key("cleveland").read_bytes() == old
    public = read_identity(desk.folder / "cleveland.2.identity")
    assert (public.name, public.agreement_key) == ("cleveland", after.agreement_key.public)


def test_it_says_what_to_do_with_both_files_and_shows_the_same_fingerprint(
    run: Run, desk: Desk
) -> None:
    ran = run("keys", "rotate", desk.key("keeper-a"))

    shown = " ".join((ran.out + ran.err).split())
    assert fingerprint(read_identity(desk.identity("keeper-a")).identity) in shown
    assert "--rotate keeper-a --identity keeper-a.2.identity" in shown
    assert "blindsum custodian attend" in shown
    assert f"--key {desk.key('keeper-a')} --key {desk.folder / 'keeper-a.2.key'}" in shown


def test_a_custodian_keeps_its_suite_unless_another_is_asked_for(run: Run, desk: Desk) -> None:
    before = read_identity(desk.identity("keeper-a"))

    run("keys", "rotate", desk.key("keeper-a"))
    run("keys", "rotate", desk.folder / "keeper-a.2.key", "--suite", "x25519")

    second, third = (read_identity(desk.folder / f"keeper-a.{n}.identity") for n in (2, 3))
    assert second.wrap_suite == before.wrap_suite != "x25519"
    assert second.wrap_key != before.wrap_key
    assert third.wrap_suite == "x25519"
    assert {one.identity for one in (before, second, third)} == {before.identity}


def test_a_second_rotation_overwrites_nothing(run: Run, desk: Desk) -> None:
    run("keys", "rotate", desk.key("cleveland"))
    first = (desk.folder / "cleveland.2.key").read_bytes()

    ran = run("keys", "rotate", desk.key("cleveland"))

    assert ran.code == 0
    assert (desk.folder / "cleveland.2.key").read_bytes() == first
    assert (desk.folder / "cleveland.3.key").exists()


@pytest.mark.parametrize("name", ["registry", "privacy-office", "adder"])
def test_a_party_without_keys_of_an_epoch_has_nothing_to_rotate(
    run: Run, desk: Desk, name: str
) -> None:
    ran = run("keys", "rotate", desk.key(name))

    assert ran.code == 1
    assert "rotation-role" in ran.err
    assert not (desk.folder / f"{name}.2.key").exists()


def test_another_partys_identity_beside_the_key_is_refused(run: Run, desk: Desk) -> None:
    shutil.copy(desk.identity("hungary"), desk.identity("cleveland"))

    ran = run("keys", "rotate", desk.key("cleveland"))

    assert ran.code == 1
    assert "rotation-identity" in ran.err
    assert list(desk.folder.glob("*.2.*")) == []


def test_a_wrong_passphrase_and_an_unknown_suite_make_no_file(run: Run, desk: Desk) -> None:
    wrong = run("keys", "rotate", desk.key("keeper-a"), passphrase="another passphrase")  # noqa: S106
    unknown = run("keys", "rotate", desk.key("keeper-a"), "--suite", "rot13")
    lost = run("keys", "rotate", desk.folder / "nobody.key")

    assert "wrong-passphrase-or-damaged-key-file" in wrong.err
    assert "unknown-wrap-suite" in unknown.err
    assert "key-file-missing" in lost.err
    assert list(desk.folder.glob("*.2.*")) == []


def test_the_old_and_the_new_file_are_one_partys_keys_and_two_partys_are_not(
    run: Run, desk: Desk, tmp_path: Path
) -> None:
    run("keys", "rotate", desk.key("cleveland"))
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)

    rings = open_keys([desk.key("cleveland"), desk.folder / "cleveland.2.key"], secret)

    assert len({ring.identity.public for ring in rings}) == 1
    with pytest.raises(Refused) as caught:
        open_keys([desk.key("cleveland"), desk.key("hungary")], secret)
    assert caught.value.rule == "one-identity"


def digest_of(signed: Desk) -> str:
    manifest, _ = read_manifest(signed.manifest)
    return manifest.digest.hex()


def test_a_client_takes_both_key_files(run: Run, signed: Desk, unused_address: str) -> None:
    run("keys", "rotate", signed.key("cleveland"))

    ran = run(
        *("client", "model", signed.manifest, "--digest", digest_of(signed)),
        *("--key", signed.key("cleveland"), "--key", signed.folder / "cleveland.2.key"),
        *("--aggregator", unused_address, "--state", signed.folder / "state"),
        *("--out", signed.folder / "model.npz", "--wait", 1),
    )

    # It has joined by its keys, and nobody answers.
    assert "aggregator-unreachable" in ran.err
    assert ran.code == 3


@pytest.mark.parametrize("role", ["client", "custodian"])
def test_key_files_of_two_parties_are_refused_before_anything_is_made(
    run: Run, signed: Desk, unused_address: str, role: str
) -> None:
    names = {"client": ("cleveland", "hungary"), "custodian": ("keeper-a", "keeper-b")}[role]
    common = (
        *("--digest", digest_of(signed), "--aggregator", unused_address),
        *("--key", signed.key(names[0]), "--key", signed.key(names[1])),
    )
    state = signed.folder / "memory"
    command = {
        "client": ("client", "join", signed.manifest, "--state", state),
        "custodian": (
            *("custodian", "attend", "--manifest", signed.manifest, "--new"),
            *("--store", state, "--instance", signed.folder / "instance"),
        ),
    }[role]

    ran = run(*command, *common)

    assert ran.code == 1
    assert "one-identity" in ran.err
    assert not state.exists()
