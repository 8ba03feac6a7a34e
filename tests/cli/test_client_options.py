"""What `client` refuses before it joins anything."""

import pytest
from tests.cli.conftest import Desk, Ran, Run

from blindsum_cli.manifest_file import read_manifest_unchecked


def join(run: Run, desk: Desk, *options: object, **changes: str) -> Ran:
    given = {
        "digest": read_manifest_unchecked(desk.manifest)[0].digest.hex(),
        "aggregator": "127.0.0.1:1",
    } | changes
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    state = desk.folder / "state"
    key = desk.key("cleveland")
    return run("client", "join", desk.manifest, "--key", key, "--state", state, *words, *options)


@pytest.mark.parametrize("digest", ["", "abc", "0" * 63, "z" * 64, "0" * 65])
def test_a_digest_that_is_not_whole_is_wrong_usage(run: Run, signed: Desk, digest: str) -> None:
    ran = join(run, signed, digest=digest)

    assert ran.code == 2
    assert "64 hex digits" in ran.err
    assert not (signed.folder / "state").exists()


def test_a_digest_in_capital_letters_is_the_same_digest(run: Run, signed: Desk) -> None:
    digest = read_manifest_unchecked(signed.manifest)[0].digest.hex().upper()

    assert join(run, signed, digest=digest).code == 0


def test_an_aggregator_without_a_port_is_wrong_usage_in_words(run: Run, signed: Desk) -> None:
    ran = join(run, signed, aggregator="aggregator.example")

    assert ran.code == 2
    assert "expected HOST:PORT" in ran.err


def test_a_final_model_is_not_promised_where_nothing_trains(run: Run, signed: Desk) -> None:
    ran = join(run, signed, "--out", signed.folder / "final.npz")

    assert ran.code == 2
    assert "--out needs --trainer" in ran.err


def test_a_study_without_noise_is_not_joined_under_an_own_limit(run: Run, signed: Desk) -> None:
    ran = join(run, signed, "--max-epsilon", 3)

    assert ran.code == 1
    assert "own-epsilon" in ran.err
    assert "--max-epsilon" in ran.err
    assert join(run, signed).code == 0


def test_a_limit_below_nothing_is_wrong_usage(run: Run, signed: Desk) -> None:
    ran = join(run, signed, "--max-delta", -1)

    assert ran.code == 2
    assert "max_delta" in ran.err
