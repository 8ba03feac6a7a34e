"""A running study amended by its commands alone: somebody joins, keys rotate, one is revoked."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import PASSPHRASE, Desk, Run
from tests.cli.test_study_by_commands import CLIENTS, CUSTODIANS, Study

from blindsum_cli.demo.processes import running
from blindsum_cli.key_files import make_party
from blindsum_rules.party import Role

pytestmark = pytest.mark.slow


@pytest.fixture
def study(signed: Desk, run: Run) -> Iterator[Study]:
    logs = signed.folder / "logs"
    logs.mkdir()
    with running(logs) as processes:
        running_study = Study(signed, processes, run)
        running_study.wait(lambda standing: len(standing["attending"]) == len(CUSTODIANS))
        yield running_study


def second(path: Path) -> Path:
    """NAME.2.key of NAME.key, as `keys rotate` names it."""
    return path.with_name(f"{path.stem}.2{path.suffix}")


def play(study: Study, number: int, clients: tuple[str, ...], update: Path) -> None:
    """One round, opened by hand, to which these clients send."""
    opened = study.operator("round", "open", study.desk.manifest)
    assert opened.code == 0, opened.err
    for name in clients:
        more = second(study.desk.key(name))
        keys = ("--key", more) if more.exists() else ()
        sent = study.client(name, "contribute", "--update", update, "--records", 100, *keys)
        assert sent.code == 0, sent.err
    standing = study.wait(lambda seen: seen["rounds"][number]["state"] == "CLOSED")
    assert standing["rounds"][number]["frozen"] == len(clients)


def change_keys(study: Study) -> Path:
    """Keeper-b and Hungary rotate, and Basel joins, in an amended copy of the manifest."""
    copy = study.desk.folder / "amended.manifest"
    shutil.copy(study.desk.manifest, copy)
    for name in ("keeper-b", "hungary"):
        rotated = study.run("keys", "rotate", study.desk.key(name))
        assert rotated.code == 0, rotated.err
    make_party(study.desk.folder, "basel", Role.CLIENT, PASSPHRASE.encode())
    amended = study.run(
        *("study", "amend", copy, "--key", study.desk.key("registry")),
        *("--reason", "Basel joins, keys are a year old", "--join", "basel=org-basel"),
        *("--rotate", "keeper-b", "--rotate", "hungary"),
        *("--identity", study.desk.identity("basel")),
        *("--identity", second(study.desk.identity("keeper-b"))),
        *("--identity", second(study.desk.identity("hungary"))),
    )
    assert amended.code == 0, amended.err
    assert "keeper-b has a new wrap key" in amended.out
    approved = study.run("study", "sign", copy, "--key", study.desk.key("privacy-office"))
    assert approved.code == 0, approved.err
    handed_in = study.operator("round", "amend", copy)
    assert handed_in.code == 0, handed_in.err
    assert "comes into force with the next round" in handed_in.out
    return copy


def restart_keeper_b(study: Study) -> None:
    study.processes.kill("keeper-b")
    key = study.desk.key("keeper-b")
    folder = study.desk.folder / "keeper-b"
    study.processes.start(
        "keeper-b",
        "blindsum_cli",
        [
            *("custodian", "attend", "--manifest", study.desk.manifest, "--digest", study.digest),
            *("--key", key, "--key", second(key), "--passphrase-file", study.passphrase),
            *("--store", folder / "store", "--instance", folder / "instance"),
            *("--aggregator", study.address),
        ],
    )
    study.wait(lambda standing: len(standing["attending"]) == len(CUSTODIANS))


def test_a_study_is_amended_by_commands_and_goes_on(study: Study, tmp_path: Path) -> None:
    manifest, update = study.desk.manifest, tmp_path / "update.npz"
    np.savez(update, bias=np.full(1, 0.5, np.float32), weight=np.full(3, -0.25, np.float32))

    # Another committee's keys: they wait until round 0 has been left to them.
    amended = change_keys(study)
    play(study, 0, CLIENTS, update)
    shutil.copy(amended, manifest)
    pending = study.operator("round", "status", manifest)
    assert "amendment 1: comes with the next round: Basel joins" in pending.out
    restart_keeper_b(study)
    play(study, 1, ("basel", *CLIENTS), update)
    in_force = study.operator("round", "status", manifest, key="basel")
    assert "amendment 1: in force since round 1: Basel joins" in in_force.out

    for command in (
        ("study", "amend", manifest, "--key", study.desk.key("registry"), "--revoke", "basel"),
        ("study", "sign", manifest, "--key", study.desk.key("privacy-office")),
    ):
        reason = ("--reason", "a stolen laptop") if command[1] == "amend" else ()
        ran = study.run(*command, *reason)
        assert ran.code == 0, ran.err
    told = study.operator("round", "amend", manifest)
    assert "revoked from now on: basel" in told.out
    turned_away = study.client("basel", "model", "--out", tmp_path / "model.npz", "--wait", 1)
    assert turned_away.code == 1
    assert "revoked" in turned_away.err

    assert study.operator("study", "end", manifest).code == 0
    study.wait(lambda standing: standing["ended"])
    while not (study.transcript / "end" / "acceptances.pb").exists():
        time.sleep(0.1)
    verified = study.run("verify", study.transcript, "--digest", study.digest)
    assert verified.code == 0, verified.out
    words = " ".join(verified.out.split())
    assert "amended 2 amendments, in the specs that put them in force" in words
    assert "amendment 1 is in force from round 1 on, signed by operator 'registry' and" in words
    assert "amendment 2 is in force from round 2 on" in words
