"""`blindsum statistic`, and statistic studies at the operator's desk."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Desk, Run

from blindsum_cli.manifest_file import read_draft
from blindsum_cli.query_view import result_values
from blindsum_cli.statistic import read_records, write_results
from blindsum_crypto.errors import Rejected
from blindsum_rules.manifest import StudyKind
from blindsum_rules.statistics.result import read_result


@pytest.mark.parametrize("private", [False, True])
def test_the_example_of_statistics_compiles_without_a_model_and_shows_what_it_asks(
    run: Run,
    desk: Desk,
    private: bool,  # noqa: FBT001 - pytest hands it in
) -> None:
    words = ("--private",) if private else ()
    printed = run("study", "create", "--example", "--statistic", *words)
    desk.study_toml.write_text(printed.out)

    created = run("study", "create", desk.study_toml, "--identity", desk.folder)
    shown = run("study", "show", desk.draft)
    values = json.loads(run("study", "show", desk.draft, "--json").out)

    assert created.code == shown.code == 0
    manifest = read_draft(desk.draft)
    assert manifest.kind is StudyKind.STATISTIC
    assert (manifest.privacy is not None) is private
    assert values["kind"] == "statistic"
    first = values["queries"][0]
    assert (first["window_from"], first["window_to"]) == ("1981-05-01", "1987-09-01")
    assert first["cells"][1] == {"name": "diseased", "adds": "1", "where": ["num >= 1"]}
    assert first["cells"][2]["adds"] == "age, 20 to 90"
    assert first["cells"][2]["where"] == ["age is a number"]
    assert "age-by-sex-and-disease" in shown.out
    assert "epsilon" in shown.out if private else "no differential privacy" in shown.out


def test_statistics_take_no_first_model(run: Run, desk: Desk) -> None:
    desk.study_toml.write_text(run("study", "create", "--example", "--statistic").out)
    ran = run(
        *("study", "create", desk.study_toml, "--identity", desk.folder),
        *("--initial-model", desk.initial_model),
    )

    assert ran.code == 1
    assert "first-model" in ran.err


def test_a_table_is_read_by_its_column_names(tmp_path: Path) -> None:
    table = tmp_path / "records.csv"
    table.write_text('\ufeffage,"sex, at birth"\n63,1\n,0\n', encoding="utf-8")

    assert read_records(table) == {"age": ["63", ""], "sex, at birth": ["1", "0"]}


@pytest.mark.parametrize("text", ["", "age,sex\n63\n", "age,sex\n63,1,2\n"])
def test_a_table_of_unequal_lines_is_rejected(tmp_path: Path, text: str) -> None:
    table = tmp_path / "records.csv"
    table.write_text(text, encoding="utf-8")
    with pytest.raises(Rejected) as caught:
        read_records(table)
    assert caught.value.rule == "records-file"


def test_results_are_written_with_their_cells_and_their_noise(run: Run, desk: Desk) -> None:
    desk.study_toml.write_text(run("study", "create", "--example", "--statistic").out)
    run("study", "create", desk.study_toml, "--identity", desk.folder)
    manifest = read_draft(desk.draft)
    result = read_result(manifest, 1, np.arange(8), ("cleveland", "hungary"))
    write_results(desk.folder / "results.json", [result])

    told = json.loads((desk.folder / "results.json").read_text("utf-8"))

    assert told == [result_values(result)]
    assert told[0]["members"] == ["cleveland", "hungary"]
    assert told[0]["cells"][1] == {"name": "cholesterol: count", "value": 1, "deviation": 0.0}


def test_the_demo_wants_an_empty_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ran = run("demo-statistics", "--folder", tmp_path)

    assert ran.code == 1
    assert "demo-folder" in ran.err


@pytest.mark.slow
def test_the_demo_counts_exactly_and_says_so(run: Run, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    ran = run("demo-statistics", "--folder", tmp_path / "demo", "--json", told)

    assert ran.code == 0, ran.err
    outcome = json.loads(told.read_text("utf-8"))
    assert outcome["holds"]
    for query in outcome["queries"]:
        assert query["plain"] == query["sum"]
        assert not any(query["deviation"])
    assert "prevalence 0.553, exact" in ran.out
