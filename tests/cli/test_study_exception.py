"""An exception at the desks of operator and officer: written, read, signed, and every mistake."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Desk, Ran, Run

from blindsum_protos.convert.exception import exception_file_from_bytes
from blindsum_rules.exception import DifferencingException

WHY = ("--reason", "its vector spoils every round")
ALLOWED = ("cleveland", "hungary", "switzerland")


def create(run: Run, desk: Desk, *options: object, key: str = "registry") -> Ran:
    chosen = options or ("--exclude", "va-long-beach")
    return run(
        *("study", "exception", "create", desk.manifest, "--key", desk.key(key)),
        *("--round", 3, "--model-version", 1, *WHY, *chosen),
    )


@pytest.fixture
def written(signed: Desk, run: Run) -> Path:
    """The operator's half of an exception."""
    assert create(run, signed).code == 0
    return signed.folder / "heart-2026.round-3.exception"


def test_two_hands_write_one_exception(signed: Desk, run: Run) -> None:
    created = create(run, signed)
    file = signed.folder / "heart-2026.round-3.exception"

    assert created.code == 0, created.err
    assert "sums      exactly cleveland, hungary, switzerland (3 clients)" in created.out
    assert "without   va-long-beach" in created.out
    assert "not yet signed by the officer: it allows nothing" in created.out
    assert "the contribution of va-long-beach alone" in created.out
    assert f"blindsum study exception sign {signed.manifest} {file}" in created.err

    ran = run(
        *("study", "exception", "sign", signed.manifest, file),
        *("--key", signed.key("privacy-office")),
    )

    assert ran.code == 0, ran.err
    assert "by officer privacy-office" in ran.out
    assert "blindsum round except" in ran.err
    operator, officer = exception_file_from_bytes(file.read_bytes())
    assert (operator.signer, officer.signer) == ("registry", "privacy-office")
    assert operator.body.clients == ALLOWED
    assert isinstance(operator.body, DifferencingException)


def test_an_exception_is_shown_as_json(signed: Desk, written: Path, run: Run) -> None:
    shown = run("study", "exception", "show", signed.manifest, written, "--json")

    told = json.loads(shown.out)
    assert (told["round"], told["model_version"], told["officer"]) == (3, 1, None)
    assert (tuple(told["clients"]), told["without"]) == (ALLOWED, ["va-long-beach"])
    assert told["reason"] == WHY[1]


def test_the_clients_may_be_named_in_any_order(signed: Desk, run: Run) -> None:
    named = [("--client", name) for name in reversed(ALLOWED)]
    created = create(run, signed, *(word for pair in named for word in pair))

    assert created.code == 0, created.err
    assert "exactly cleveland, hungary, switzerland" in created.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--client", "cleveland", "--exclude", "hungary"), "either --client"),
        (("--exclude", "basel"), "no client of this study: basel"),
    ],
)
def test_a_set_that_is_said_wrongly_is_wrong_usage(
    signed: Desk, run: Run, options: tuple[str, ...], says: str
) -> None:
    ran = create(run, signed, *options)

    assert ran.code == 2
    assert says in ran.err


@pytest.mark.parametrize(
    ("options", "key", "rule"),
    [
        (("--exclude", "hungary"), "privacy-office", "operator-key"),
        (("--client", "hungary", "--client", "cleveland"), "registry", "min-cohort"),
    ],
)
def test_what_no_round_could_use_is_not_signed(
    signed: Desk, run: Run, options: tuple[str, ...], key: str, rule: str
) -> None:
    ran = create(run, signed, *options, key=key)

    assert ran.code == 1
    assert rule in ran.err
    assert not list(signed.folder.glob("*.exception"))


def test_an_exception_is_not_overwritten(signed: Desk, written: Path, run: Run) -> None:
    before = written.read_bytes()

    again = create(run, signed)

    assert again.code == 1
    assert "exception-file-exists" in again.err
    assert written.read_bytes() == before


def test_only_the_officer_signs_second(signed: Desk, written: Path, run: Run) -> None:
    for other in ("registry", "cleveland"):
        ran = run(
            "study", "exception", "sign", signed.manifest, written, "--key", signed.key(other)
        )
        assert ran.code == 1
        assert "officer-key" in ran.err


def test_a_study_without_an_officer_has_no_exceptions(desk: Desk, run: Run) -> None:
    text = desk.study_toml.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("officer")]
    desk.study_toml.write_text("\n".join(lines))
    run(
        *("study", "create", desk.study_toml, "--identity", desk.folder),
        *("--initial-model", desk.initial_model),
    )
    run("study", "sign", desk.draft, "--key", desk.key("registry"))

    ran = create(run, desk)

    assert ran.code == 1
    assert "exception-without-officer" in ran.err
    assert "begin one without the clients" in ran.err


def test_an_altered_exception_is_not_signed(signed: Desk, written: Path, run: Run) -> None:
    written.write_bytes(written.read_bytes().replace(b"hungary", b"hungarz"))

    ran = run(
        *("study", "exception", "sign", signed.manifest, written),
        *("--key", signed.key("privacy-office")),
    )

    assert ran.code == 1
    assert "bad-signature" in ran.err


def test_another_file_is_named_as_what_is_wrong(signed: Desk, run: Run) -> None:
    ran = run("study", "exception", "show", signed.manifest, signed.initial_model)

    assert ran.code == 1
    assert str(signed.initial_model) in ran.err


def test_half_an_exception_is_not_handed_in(
    signed: Desk, written: Path, run: Run, unused_address: str
) -> None:
    ran = run(
        *("round", "except", signed.manifest, written, "--key", signed.key("registry")),
        *("--aggregator", unused_address),
    )

    assert ran.code == 1
    assert "exception" in ran.err
    assert "blindsum study exception sign" in ran.err
