"""`blindsum study`: mistakes that a first-time operator makes, and the words that help."""

from tests.cli.conftest import Desk, Run

from blindsum_rules.study_example import example_toml


def test_a_draft_that_is_taken_for_a_manifest_is_rejected_by_its_name(
    run: Run, drafted: Desk
) -> None:
    ran = run("study", "verify", drafted.draft)

    assert ran.code == 1
    assert "malformed-message" in ran.err
    assert "heart-2026.draft" in ran.err


def test_create_names_the_parts_that_are_missing_and_no_others(run: Run, desk: Desk) -> None:
    ran = run("study", "create", desk.study_toml, "--identity", desk.folder)

    assert ran.code == 2
    assert "missing --initial-model;" in ran.err


def test_create_says_when_a_study_is_over_before_it_begins(run: Run, desk: Desk) -> None:
    desk.study_toml.write_text(
        example_toml()
        .replace("2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z")
        .replace("2027-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
    )

    ran = run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )

    assert ran.code == 0
    assert "not_after is over" in ran.err
