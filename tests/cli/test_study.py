"""`blindsum study`: from study.toml to a manifest that operator and officer signed."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import PASSPHRASE, Desk, Run

from blindsum_cli.manifest_file import read_draft, read_manifest, read_manifest_unchecked
from blindsum_rules.study_example import example_toml


def digest_of(desk: Desk) -> str:
    return read_manifest_unchecked(desk.manifest)[0].digest.hex()


def test_the_example_compiles_as_it_is_printed(run: Run, desk: Desk) -> None:
    printed = run("study", "create", "--example")
    desk.study_toml.write_text(printed.out)

    ran = run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )

    assert printed.out == example_toml()
    assert ran.code == 0
    assert read_draft(desk.draft).study == "heart-2026"
    assert f"blindsum study sign {desk.draft}" in ran.err


def test_create_without_its_parts_is_wrong_usage(run: Run, desk: Desk) -> None:
    assert run("study", "create").code == 2
    assert run("study", "create", desk.study_toml, "--identity", desk.folder).code == 2
    assert run("study", "create", desk.folder / "no.toml").code == 2


def test_an_unknown_key_of_study_toml_is_named(run: Run, desk: Desk) -> None:
    desk.study_toml.write_text("surprise = 1\n" + desk.study_toml.read_text())

    ran = run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )

    assert ran.code == 1
    assert "study-toml" in ran.err
    assert "surprise" in ran.err
    assert "--example" in ran.err


def test_a_party_without_an_identity_is_named(run: Run, desk: Desk) -> None:
    desk.identity("hungary").unlink()

    ran = run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )

    assert ran.code == 1
    assert "no-identity" in ran.err
    assert "hungary" in ran.err


@pytest.mark.parametrize(
    "values", [np.array([1, 2]), np.array([np.nan]), np.array(["a"])], ids=["int", "nan", "text"]
)
def test_an_initial_model_that_is_not_of_finite_floats_is_rejected(
    run: Run, desk: Desk, values: np.ndarray
) -> None:
    np.savez(desk.initial_model, weight=values)

    ran = run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )

    assert ran.code == 1
    assert "model-file" in ran.err


def test_operator_and_officer_sign_and_everybody_verifies_by_the_digest(
    run: Run, signed: Desk
) -> None:
    digest = digest_of(signed)

    ran = run("study", "verify", signed.manifest, "--digest", digest)

    assert ran.code == 0
    assert digest in ran.out
    assert [path.suffix for path in signed.folder.glob("heart-2026*")].count(".manifest") == 1
    assert not list(signed.folder.glob("*.unapproved"))


def test_verify_without_a_digest_says_what_is_still_to_be_done(run: Run, signed: Desk) -> None:
    ran = run("study", "verify", signed.manifest)

    assert ran.code == 0
    assert "out of band" in ran.err


@pytest.mark.parametrize("wrong", ["0" * 64, "abc", "zz" * 32])
def test_a_wrong_digest_is_refused(run: Run, signed: Desk, wrong: str) -> None:
    ran = run("study", "verify", signed.manifest, "--digest", wrong)

    assert ran.code == 1
    assert "manifest-digest" in ran.err


@pytest.mark.parametrize("signer", ["privacy-office", "adder", "keeper-a", "cleveland"])
def test_a_draft_is_signed_by_its_operator_alone(run: Run, drafted: Desk, signer: str) -> None:
    ran = run("study", "sign", drafted.draft, "--key", drafted.key(signer))

    assert ran.code == 1
    assert "operator-key" in ran.err
    assert not drafted.manifest.exists()


def test_a_manifest_is_approved_by_its_officer_alone(run: Run, drafted: Desk) -> None:
    run("study", "sign", drafted.draft, "--key", drafted.key("registry"))
    before = drafted.manifest.read_bytes()

    ran = run("study", "sign", drafted.manifest, "--key", drafted.key("registry"))

    assert ran.code == 1
    assert "officer-key" in ran.err
    assert drafted.manifest.read_bytes() == before


def test_a_manifest_without_its_officers_approval_is_refused(run: Run, drafted: Desk) -> None:
    run("study", "sign", drafted.draft, "--key", drafted.key("registry"))

    ran = run("study", "verify", drafted.manifest)

    assert ran.code == 1
    assert "officer-approval" in ran.err
    assert "study sign" in ran.err


def test_a_wrong_passphrase_is_named_and_says_what_to_do(run: Run, drafted: Desk) -> None:
    ran = run(
        *("study", "sign", drafted.draft, "--key", drafted.key("registry")),
        passphrase=PASSPHRASE[::-1],
    )

    assert ran.code == 1
    assert "wrong-passphrase-or-damaged-key-file" in ran.err
    assert "Next:" in ran.err
    assert PASSPHRASE[::-1] not in ran.err + ran.out


def test_a_key_file_that_others_may_read_is_refused(run: Run, drafted: Desk) -> None:
    drafted.key("registry").chmod(0o640)

    ran = run("study", "sign", drafted.draft, "--key", drafted.key("registry"))

    assert ran.code == 1
    assert "key-file-permissions" in ran.err
    assert "chmod 600" in ran.err


def test_a_missing_key_file_is_unavailable(run: Run, drafted: Desk) -> None:
    ran = run("study", "sign", drafted.draft, "--key", drafted.folder / "nobody.key")

    assert ran.code == 3
    assert "key-file-missing" in ran.err


def test_a_draft_is_parsed_strictly(run: Run, drafted: Desk) -> None:
    drafted.draft.write_bytes(drafted.draft.read_bytes() + b"\xf8\x01\x01")

    ran = run("study", "sign", drafted.draft, "--key", drafted.key("registry"))

    assert ran.code == 1
    assert "unknown-field" in ran.err
    assert not drafted.manifest.exists()


def test_an_altered_manifest_is_refused(run: Run, signed: Desk) -> None:
    content = signed.manifest.read_bytes()
    signed.manifest.write_bytes(content.replace(b"thirteen", b"fourteen"))

    ran = run("study", "verify", signed.manifest)

    assert ran.code == 1
    assert "unsigned-manifest" in ran.err


def test_an_expired_study_is_refused(run: Run, desk: Desk) -> None:
    text = example_toml().replace("2026-01-01", "2020-01-01").replace("2027-01-01", "2020-02-01")
    desk.study_toml.write_text(text.replace('officer = "privacy-office"', "#"))
    run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )
    run("study", "sign", desk.draft, "--key", desk.key("registry"))

    ran = run("study", "verify", desk.manifest)

    assert ran.code == 1
    assert "manifest-expired" in ran.err
    # It opens no round, and can still be ended: what is missing here is only the aggregator.
    ended = run(
        *("study", "end", desk.manifest, "--key", desk.key("registry")),
        *("--aggregator", "127.0.0.1:9"),
    )
    assert ended.code == 3
    assert "aggregator-unreachable" in ended.err


def test_show_says_who_takes_part_and_who_may_see_what(run: Run, signed: Desk) -> None:
    ran = run("study", "show", signed.manifest)

    assert ran.code == 0
    for words in (
        "cleveland",
        "keeper-d",
        "never, not even sealed",
        "3 clients",
        "each client among at least 2 of 2 organisations, against 1 colluding organisation",
        digest_of(signed),
    ):
        assert words in ran.out


def test_show_of_a_draft_says_that_it_is_one_and_json_parses(run: Run, drafted: Desk) -> None:
    words = run("study", "show", drafted.draft)
    document = json.loads(run("study", "show", drafted.draft, "--json").out)

    assert "unsigned draft" in words.out
    assert document["digest"] is None
    assert document["quorum"] == 3
    assert [client["name"] for client in document["clients"]] == [
        "cleveland",
        "hungary",
        "switzerland",
        "va-long-beach",
    ]


def test_json_of_a_manifest_names_its_digest(run: Run, signed: Desk) -> None:
    document = json.loads(run("study", "show", signed.manifest, "--json").out)

    assert document["digest"] == digest_of(signed)
    assert document["officer"] == "privacy-office"
    assert document["hidden"] == {"colluders": 1, "clients": 2, "organisations": 2}


def test_what_was_signed_is_what_the_draft_said(signed: Desk) -> None:
    manifest, approval = read_manifest(signed.manifest)

    assert manifest.body == read_draft(signed.draft)
    assert approval is not None
    assert approval.body.manifest_digest == manifest.digest


def test_ending_a_study_without_an_aggregator_is_unavailable(
    run: Run, signed: Desk, unused_address: str
) -> None:
    ran = run(
        *("study", "end", signed.manifest, "--key", signed.key("registry")),
        *("--aggregator", unused_address, "--round", 1),
    )

    assert ran.code == 3
    assert "aggregator-unreachable" in ran.err
    assert "blindsum aggregator serve" in ran.err


def test_a_file_that_is_no_manifest_is_rejected(run: Run, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.manifest"
    nonsense.write_bytes(b"not a manifest at all")

    ran = run("study", "verify", nonsense)

    assert ran.code == 1
    assert "Rejected" in ran.err
