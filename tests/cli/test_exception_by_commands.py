"""An exception by commands alone, in real processes: two desks, an aggregator, a round without one.

Nobody's update changes the model in round 0, so its version repeats and round 1 may sum the same
set alone: what a round that a gate ended leaves behind as well.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Desk, Ran, Run
from tests.cli.test_study_by_commands import CLIENTS, CUSTODIANS, Study

from blindsum_cli.demo.processes import running

pytestmark = pytest.mark.slow

LEFT_OUT = CLIENTS[-1]


@pytest.fixture
def study(signed: Desk, run: Run) -> Iterator[Study]:
    logs = signed.folder / "logs"
    logs.mkdir()
    with running(logs) as processes:
        running_study = Study(signed, processes, run)
        running_study.wait(lambda standing: len(standing["attending"]) == len(CUSTODIANS))
        yield running_study


def play(study: Study, number: int, clients: tuple[str, ...], update: Path) -> None:
    """One round in which these clients send an update."""
    assert study.operator("round", "open", study.desk.manifest).code == 0
    for name in clients:
        options = ("--update", update, "--records", 100, "--round", number)
        sent = study.client(name, "contribute", *options)
        assert sent.code == 0, sent.err
    study.wait(lambda standing: standing["rounds"][number]["state"] == "CLOSED")


def write(study: Study, number: int, version: int) -> tuple[Ran, Path]:
    """The operator's half of an exception for one round."""
    file = study.desk.folder / f"{number}-{version}.exception"
    ran = study.run(
        *("study", "exception", "create", study.desk.manifest, "--out", file),
        *("--key", study.desk.key("registry"), "--round", number, "--model-version", version),
        *("--exclude", LEFT_OUT, "--reason", "it withdrew its consent"),
    )
    return ran, file


def hand_in(study: Study, number: int, version: int) -> Ran:
    """Both desks sign, and the operator hands it in."""
    manifest = study.desk.manifest
    written, file = write(study, number, version)
    assert written.code == 0, written.err
    officer = ("--key", study.desk.key("privacy-office"))
    signed = study.run("study", "exception", "sign", manifest, file, *officer)
    assert signed.code == 0, signed.err
    return study.operator("round", "except", manifest, file)


def test_operator_and_officer_let_one_round_go_on_without_a_client(
    study: Study, tmp_path: Path
) -> None:
    update = tmp_path / "update.npz"
    np.savez(update, bias=np.zeros(1, np.float32), weight=np.zeros(3, np.float32))
    play(study, 0, CLIENTS, update)

    late, wrong = hand_in(study, 0, 0), hand_in(study, 1, 1)
    done = hand_in(study, 1, 0)

    assert (late.code, wrong.code) == (1, 1)
    assert "exception-round: expected one for round 1 (or later" in late.err
    assert "exception-version: expected model version 0 in round 1" in wrong.err
    assert done.code == 0, done.err
    assert "round 1 may sum exactly cleveland, hungary, switzerland, once" in done.out
    assert f"gives away the contribution of {LEFT_OUT} alone" in done.out

    np.savez(update, bias=np.ones(1, np.float32), weight=np.zeros(3, np.float32))
    play(study, 1, CLIENTS[:-1], update)
    kept_out = study.client(LEFT_OUT, "verify", "--round", 1)
    assert kept_out.code == 0, kept_out.err
    assert f"{LEFT_OUT} is not in the sum" in kept_out.out
    assert "an exception" in kept_out.err

    assert study.operator("study", "end", study.desk.manifest).code == 0
    end = study.transcript / "end" / "acceptances.pb"
    study.wait(lambda standing: standing["ended"])
    while not end.exists():
        time.sleep(0.1)
    verified = study.run("verify", study.transcript, "--digest", study.digest)
    assert verified.code == 0, verified.out
    words = " ".join(verified.out.split())
    assert (
        "exception round 1 is an exception, signed by operator 'registry' and officer "
        "'privacy-office' (reason: it withdrew its consent): beside the sum of round 0 it gives "
        f"away the contribution of {LEFT_OUT} alone" in words
    )


def test_half_an_exception_and_a_strangers_request_allow_nothing(study: Study) -> None:
    manifest = study.desk.manifest
    written, file = write(study, 0, 0)
    assert written.code == 0, written.err

    half = study.operator("round", "except", manifest, file)
    by_the_officer = ("--key", study.desk.key("privacy-office"))
    assert study.run("study", "exception", "sign", manifest, file, *by_the_officer).code == 0
    not_the_operator = study.operator("round", "except", manifest, file, key="privacy-office")

    assert half.code == 1
    assert "Refused exception" in half.err
    assert not_the_operator.code == 1
    assert "operator-key" in not_the_operator.err
