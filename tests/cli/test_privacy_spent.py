"""`blindsum privacy spent`: what it prints, what scripts read, what it refuses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.people import found
from tests.adversarial.private_world import private_people, seal_all
from tests.adversarial.world import World
from tests.client.people import CLIENTS, LAYOUT
from tests.client.stage import Stage
from tests.rules.privacy.private_study import privately

from blindsum_cli.exits import RULE_BROKE, USAGE
from blindsum_client import patience
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.signed import Signed

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here waits for anybody."""
    monkeypatch.setattr(patience.Backoff.__init__, "__defaults__", (0.001, 0.004, patience._SYSTEM))


def file_of(manifest: Signed[Manifest], folder: Path) -> Path:
    file = folder / "study.manifest"
    file.write_bytes(manifest_file_to_bytes(manifest, None))
    return file


@pytest.fixture
def client_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, Path, Charging]:
    """Manifest and state folder of a client with one settled round and one reserved."""
    stage = Stage()
    study = privately(stage.manifest.body, max_rounds=8)
    stage.manifest = stage.people.sign(study, "operator")
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    values = np.arange(LAYOUT.size, dtype=np.int64)
    client.contribute(next(rounds), values)
    stage.publish(dict.fromkeys(CLIENTS[1:], values))
    stage.open_round()
    client.contribute(next(rounds), values)
    client.close()
    capsys.readouterr()  # what it logged
    return file_of(stage.manifest, tmp_path), tmp_path / "state", Charging.of(study)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A custodian that endorsed one round of three hospitals of four, and goes on attending."""
    world = World(private_people("ckks", 4, 4, 1), tmp_path / "world")
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = seal_all(world, spec)[:3]
    world.admit(spec, sent)
    world.endorse(world.aggregator.freeze(spec, sent))
    yield world
    world.close()


def test_a_client_is_told_what_is_settled_reserved_and_left(
    run: Run, client_state: tuple[Path, Path, Charging]
) -> None:
    file, state, charging = client_state
    ran = run("privacy", "spent", file, "--state", state)

    assert ran.code == 0
    shown = " ".join(ran.out.replace("│", " ").split())
    price = charging.price(CLIENTS)
    left = charging.budget.divergence - price.divergence - charging.worst.divergence
    assert (
        f"hospital-cleveland 1 {price.divergence:.6g} {charging.worst.divergence:.6g} {left:.6g}"
    ) in shown
    assert "zero-out of one record, against 1 colluding organisation(s)" in shown
    assert "holds where stopping does not depend on the data" in shown


def test_scripts_read_exact_steps_unit_relation_delta_and_colluders(
    run: Run, client_state: tuple[Path, Path, Charging]
) -> None:
    file, state, charging = client_state
    ran = run("privacy", "spent", file, "--state", state, "--json")

    read = json.loads(ran.out)
    assert (read["unit"], read["relation"], read["colluders"]) == ("record", "zero-out", 1)
    assert read["delta"] == pytest.approx(1e-5)
    (ledger,) = read["ledgers"]
    (account,) = ledger["accounts"]
    assert ledger["keeper"] == "client"
    assert account["charged"] == "hospital-cleveland"
    assert account["settled"]["steps"] == charging.price(CLIENTS).steps
    assert account["reserved"]["steps"] == charging.worst.steps
    spent = account["settled"]["steps"] + account["reserved"]["steps"] + account["left"]["steps"]
    assert spent == account["budget"]["steps"] == charging.budget.steps
    assert 0 < account["epsilon_spent"] < account["epsilon_budget"]


def test_a_custodian_s_ledger_names_everybody_also_while_it_attends(
    run: Run, world: World, tmp_path: Path
) -> None:
    store = world.memory_of("custodian-0")[0].parent
    file = file_of(world.people.manifest, tmp_path)

    ran = run("privacy", "spent", file, "--store", store, "--json")

    assert ran.code == 0
    worst = Charging.of(world.study).worst.steps
    (ledger,) = json.loads(ran.out)["ledgers"]
    assert [one["charged"] for one in ledger["accounts"]] == [
        f"organisation-{index:02}" for index in range(4)
    ]
    assert [one["settled"]["steps"] for one in ledger["accounts"]] == [worst, worst, worst, 0]
    assert [one["rounds"] for one in ledger["accounts"]] == [1, 1, 1, 0]


def test_who_can_pay_no_further_round_is_told_so(run: Run, world: World, tmp_path: Path) -> None:
    store = world.memory_of("custodian-1")[0].parent
    ran = run(*("privacy", "spent", file_of(world.people.manifest, tmp_path)), *("--store", store))

    assert "Ledger of the custodian" in ran.out
    assert "takes part in no further round" in ran.err


def test_a_ledger_must_be_named(run: Run, client_state: tuple[Path, Path, Charging]) -> None:
    ran = run("privacy", "spent", client_state[0])

    assert ran.code == USAGE
    assert "--state" in ran.err


@pytest.mark.parametrize(
    ("option", "rule"), [("--state", "state-folder"), ("--store", "custodian-store")]
)
def test_a_folder_without_a_ledger_is_refused_with_a_next_step(
    run: Run, client_state: tuple[Path, Path, Charging], tmp_path: Path, option: str, rule: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged").mkdir()
    for name in ("client.sqlite", "custodian.sqlite"):
        (tmp_path / "damaged" / name).write_bytes(b"no database" * 100)
    for folder in ("nowhere", "empty", "damaged"):
        ran = run("privacy", "spent", client_state[0], option, tmp_path / folder)

        assert ran.code == RULE_BROKE
        assert rule in ran.err
        assert "Next:" in ran.err


def test_a_folder_of_another_study_is_refused(
    run: Run, client_state: tuple[Path, Path, Charging], world: World, tmp_path: Path
) -> None:
    file, state, _ = client_state
    other = tmp_path / "other"
    other.mkdir()
    store = world.memory_of("custodian-0")[0].parent

    ran = run("privacy", "spent", file_of(world.people.manifest, other), "--state", state)
    assert ran.code == RULE_BROKE
    assert "pinned-manifest" in ran.err

    ran = run("privacy", "spent", file, "--store", store)
    assert ran.code == RULE_BROKE
    assert "manifest-changed" in ran.err


def test_a_study_without_noise_keeps_no_budget(run: Run, tmp_path: Path) -> None:
    file = file_of(found(clients=4).manifest, tmp_path)

    ran = run("privacy", "spent", file, "--state", tmp_path)

    assert ran.code == RULE_BROKE
    assert "not-private" in ran.err
    assert "Next:" in ran.err
