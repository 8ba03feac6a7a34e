"""What `custodian` and `aggregator` refuse before they dial or listen."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Desk, Run

from blindsum_cli.manifest_file import read_manifest_unchecked


def digest_of(desk: Desk) -> str:
    return read_manifest_unchecked(desk.manifest)[0].digest.hex()


def test_enrolling_creates_memory_and_instance_once(run: Run, tmp_path: Path) -> None:
    options = ("--store", tmp_path / "store", "--instance", tmp_path / "instance")

    first = run("custodian", "enrol", *options)
    second = run("custodian", "enrol", *options)

    assert first.code == 0
    assert "backups" in first.err
    assert (tmp_path / "store" / "custodian.sqlite").exists()
    assert (tmp_path / "instance" / "custodian.instance").exists()
    assert second.code == 1
    assert "store-exists" in second.err


@pytest.mark.parametrize(
    ("store", "instance"),
    [
        ("store", "store"),
        ("store", "store/instance"),
        ("store", "store/../store/deep/er"),
        ("instance/store", "instance"),
        ("instance/deep/er", "instance/../instance"),
    ],
)
def test_an_instance_that_a_backup_would_take_along_is_refused(
    run: Run, tmp_path: Path, store: str, instance: str
) -> None:
    ran = run("custodian", "enrol", "--store", tmp_path / store, "--instance", tmp_path / instance)

    assert ran.code == 1
    assert "instance-apart" in ran.err
    assert not list(tmp_path.iterdir())


def attend(run: Run, desk: Desk, **changes: object) -> tuple[int, str]:
    options: dict[str, object] = {
        "manifest": desk.manifest,
        "digest": digest_of(desk),
        "key": desk.key("keeper-a"),
        "store": desk.folder / "store",
        "instance": desk.folder / "instance",
        "aggregator": "127.0.0.1:1",
    } | changes
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    ran = run("custodian", "attend", *words)
    return ran.code, ran.err


def test_a_custodian_without_its_memory_signs_nothing(run: Run, signed: Desk) -> None:
    signed.folder.joinpath("instance").mkdir()

    code, err = attend(run, signed)

    assert code == 1
    assert "instance-mismatch" in err


def test_the_next_step_of_a_lost_memory_warns_before_it_says_how_to_begin(
    run: Run, signed: Desk
) -> None:
    signed.folder.joinpath("instance").mkdir()

    _, err = attend(run, signed)

    step = err.partition("Next:")[2]
    assert "forget what it endorsed" in step
    assert step.index("do not use --new") < step.index("may add --new")
    assert "docs/runbook.md" in step


def test_a_custodian_refuses_another_manifest_than_it_was_told(run: Run, signed: Desk) -> None:
    code, err = attend(run, signed, digest="0" * 64)

    assert code == 1
    assert "manifest-digest" in err


@pytest.mark.parametrize("digest", ["", "abc", "0" * 63, "z" * 64, "0" * 65])
def test_half_a_digest_is_wrong_usage(run: Run, signed: Desk, digest: str) -> None:
    code, err = attend(run, signed, digest=digest)

    assert code == 2
    assert "64 hex digits" in err


def test_a_digest_in_capital_letters_is_the_same_digest(run: Run, signed: Desk) -> None:
    signed.folder.joinpath("instance").mkdir()

    _, err = attend(run, signed, digest=digest_of(signed).upper())

    assert "instance-mismatch" in err


def test_a_first_start_with_the_wrong_key_leaves_no_memory_in_the_right_ones_way(
    run: Run, signed: Desk
) -> None:
    ran = run(
        *("custodian", "attend", "--manifest", signed.manifest, "--digest", digest_of(signed)),
        *("--key", signed.key("cleveland"), "--aggregator", "127.0.0.1:1", "--new"),
        *("--store", signed.folder / "store", "--instance", signed.folder / "instance"),
    )

    assert ran.code == 1
    assert "not-a-custodian" in ran.err
    assert not (signed.folder / "store").exists()
    assert not (signed.folder / "instance").exists()


def test_a_manifest_without_its_digest_is_refused(run: Run, signed: Desk) -> None:
    ran = run(
        *("custodian", "attend", "--manifest", signed.manifest, "--manifest", signed.manifest),
        *("--digest", digest_of(signed), "--key", signed.key("keeper-a")),
        *("--store", signed.folder / "store", "--instance", signed.folder / "instance"),
        *("--aggregator", "127.0.0.1:1"),
    )

    assert ran.code == 1
    assert "manifest-digest" in ran.err


def test_who_is_no_custodian_of_the_study_is_refused(run: Run, signed: Desk) -> None:
    run(
        *("custodian", "enrol", "--store", signed.folder / "store"),
        *("--instance", signed.folder / "instance"),
    )

    code, err = attend(run, signed, key=signed.key("cleveland"))

    assert code == 1
    assert "not-a-custodian" in err


def test_a_custodians_own_floor_beats_the_studys(run: Run, signed: Desk) -> None:
    run(
        *("custodian", "enrol", "--store", signed.folder / "store"),
        *("--instance", signed.folder / "instance"),
    )

    code, err = attend(run, signed, **{"min-cohort": 4})

    assert code == 1
    assert "own-min-cohort" in err


def test_an_address_without_a_port_is_wrong_usage(run: Run, signed: Desk) -> None:
    assert attend(run, signed, aggregator="aggregator.example")[0] == 2


def test_a_certificate_without_an_authority_is_wrong_usage(run: Run, signed: Desk) -> None:
    run("keys", "tls", "localhost", "--folder", signed.folder / "tls")

    code, err = attend(run, signed, **{"tls-certificate": signed.folder / "tls/aggregator.pem"})

    assert code == 2
    assert "--tls-authority" in err


def serve(run: Run, desk: Desk, *more: object, key: str = "adder") -> tuple[int, str]:
    ran = run(
        *("aggregator", "serve", "--manifest", desk.manifest, "--key", desk.key(key)),
        *("--data", desk.folder / "data", *more),
    )
    return ran.code, ran.err


def test_an_aggregator_needs_the_model_that_the_manifest_pins(run: Run, signed: Desk) -> None:
    other = signed.folder / "other.npz"
    np.savez(other, bias=np.ones(1, np.float32), weight=np.ones(3, np.float32))

    code, err = serve(run, signed, "--initial-model", other)

    assert code == 1
    assert "initial-model" in err


def test_an_aggregator_with_another_key_than_the_manifests_is_refused(
    run: Run, signed: Desk
) -> None:
    code, err = serve(run, signed, "--initial-model", signed.initial_model, key="registry")

    assert code == 1
    assert "other-aggregator" in err


@pytest.mark.parametrize("listen", ["7443", "127.0.0.1:", ":7443", "127.0.0.1:port"])
def test_an_address_to_listen_on_needs_host_and_port(run: Run, signed: Desk, listen: str) -> None:
    code, _ = serve(run, signed, "--initial-model", signed.initial_model, "--listen", listen)

    assert code == 2


def test_half_a_tls_configuration_is_wrong_usage(run: Run, signed: Desk) -> None:
    run("keys", "tls", "localhost", "--folder", signed.folder / "tls")
    authority = signed.folder / "tls" / "authority.pem"

    code, err = serve(
        *(run, signed, "--initial-model", signed.initial_model),
        *("--tls-client-authority", authority),
    )

    assert code == 2
    assert "tls" in err


def test_json_of_an_unreachable_study_is_no_json_but_an_exit_code(
    run: Run, signed: Desk, unused_address: str
) -> None:
    ran = run(
        *("round", "status", signed.manifest, "--key", signed.key("registry"), "--json"),
        *("--aggregator", unused_address),
    )

    assert ran.code == 3
    with pytest.raises(json.JSONDecodeError):
        json.loads(ran.out)
