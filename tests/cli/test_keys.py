"""`blindsum keys`: key files are made once, encrypted, and shown only by their public half."""

import json
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import PASSPHRASE, Desk, Run

from blindsum_cli.key_files import open_key, read_identities, read_identity
from blindsum_crypto.errors import Rejected


def test_new_keys_open_with_their_passphrase_and_only_their_owner_may_read_them(
    run: Run, tmp_path: Path
) -> None:
    ran = run("keys", "new", "cleveland", "--role", "client", "--folder", tmp_path)

    assert ran.code == 0
    assert "fingerprint" in ran.out
    assert stat.S_IMODE((tmp_path / "cleveland.key").stat().st_mode) == 0o600
    ring = open_key(tmp_path / "cleveland.key", PASSPHRASE.encode())
    assert ring.identity.public == read_identity(tmp_path / "cleveland.identity").identity
    assert ring.agreement_key is not None
    assert ring.wrap_key is None


def test_a_custodian_gets_the_wrap_key_of_the_suite_that_was_asked_for(
    run: Run, tmp_path: Path
) -> None:
    ran = run(
        *("keys", "new", "keeper", "--role", "custodian"),
        *("--folder", tmp_path, "--suite", "x25519"),
    )

    assert ran.code == 0
    assert read_identity(tmp_path / "keeper.identity").wrap_suite == "x25519"


def test_an_unknown_suite_is_refused_by_name(run: Run, tmp_path: Path) -> None:
    ran = run(
        *("keys", "new", "keeper", "--role", "custodian"),
        *("--folder", tmp_path, "--suite", "rot13"),
    )

    assert ran.code == 1
    assert "unknown-wrap-suite" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_file_serves_where_nobody_types(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("from a file, long enough\nnot this line\n")

    ran = run(
        *("keys", "new", "adder", "--role", "aggregator"),
        *("--folder", tmp_path, "--passphrase-file", secret),
        passphrase=None,
    )

    assert ran.code == 0
    open_key(tmp_path / "adder.key", b"from a file, long enough")


def test_a_short_passphrase_is_refused_for_a_new_key_and_nothing_is_written(
    run: Run, tmp_path: Path
) -> None:
    ran = run(
        "keys",
        "new",
        "adder",
        "--role",
        "aggregator",
        "--folder",
        tmp_path,
        passphrase=PASSPHRASE[:7],
    )

    assert ran.code == 1
    assert "short-passphrase" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_never_overwritten(run: Run, desk: Desk) -> None:
    before = desk.key("cleveland").read_bytes()

    ran = run("keys", "new", "cleveland", "--role", "client", "--folder", desk.folder)

    assert ran.code == 1
    assert "key-file-exists" in ran.err
    assert "Next:" in ran.err
    assert desk.key("cleveland").read_bytes() == before


def test_a_name_that_is_no_identifier_is_rejected_before_a_passphrase_is_asked_for(
    run: Run, tmp_path: Path
) -> None:
    ran = run(
        *("keys", "new", "../adder", "--role", "aggregator", "--folder", tmp_path), passphrase=None
    )

    assert ran.code == 1
    assert "identifier" in ran.err


def test_show_tells_the_fingerprint_and_json_parses(run: Run, desk: Desk) -> None:
    words = run("keys", "show", desk.identity("keeper-a"))
    document = json.loads(run("keys", "show", desk.identity("keeper-a"), "--json").out)

    assert document["role"] == "custodian"
    assert document["fingerprint"] in words.out
    assert document["identity"] == read_identity(desk.identity("keeper-a")).identity.hex()


@pytest.mark.parametrize("position", [5, 60, -1])
def test_an_altered_identity_file_is_rejected(run: Run, desk: Desk, position: int) -> None:
    content = bytearray(desk.identity("cleveland").read_bytes())
    content[position] ^= 1
    desk.identity("cleveland").write_bytes(content)

    ran = run("keys", "show", desk.identity("cleveland"))

    assert ran.code == 1
    assert "Rejected" in ran.err


def test_two_identities_under_one_name_are_rejected(run: Run, desk: Desk, tmp_path: Path) -> None:
    run("keys", "new", "cleveland", "--role", "client", "--folder", tmp_path / "other")

    with pytest.raises(Rejected) as caught:
        read_identities([desk.folder, tmp_path / "other"])

    assert caught.value.rule == "name-twice"


def test_certificates_for_tls_are_made_once_and_their_keys_are_secret(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "tls"

    first = run(
        "keys", "tls", "127.0.0.1", "localhost", "--folder", folder, "--client", "cleveland"
    )
    second = run("keys", "tls", "127.0.0.1", "--folder", folder)

    assert first.code == 0
    assert "--tls-authority" in first.err
    names = {path.name for path in folder.iterdir()}
    assert names == {
        f"{party}{ending}"
        for party in ("authority", "aggregator", "cleveland")
        for ending in (".pem", ".key.pem")
    }
    for path in folder.glob("*.key.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert second.code == 1
    assert "tls-folder-not-empty" in second.err


def test_where_nobody_can_be_asked_a_missing_passphrase_is_refused_with_the_way_out(
    run: Run, tmp_path: Path
) -> None:
    ran = run("keys", "new", "adder", "--role", "aggregator", "--folder", tmp_path, passphrase=None)

    assert ran.code == 1
    assert "no-passphrase" in ran.err
    assert "--passphrase-file" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_is_shown_as_an_identity_is_rejected_by_its_name(
    run: Run, desk: Desk
) -> None:
    ran = run("keys", "show", desk.key("adder"))

    assert ran.code == 1
    assert "malformed-message" in ran.err
    assert "adder.key: expected a NAME.identity" in ran.err
