"""The study of the statistics demo: what it asks, the hospitals' tables, manifest and approval."""

import csv
from importlib.resources import files
from pathlib import Path
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.network import initial_model
from blindsum_cli.demo.places import OFFICER, OPERATOR, Places
from blindsum_cli.demo.study_setup import DemoSetup, DemoStudy, enrol_everybody
from blindsum_cli.demo.study_text import study_toml
from blindsum_cli.key_files import open_key, read_identities
from blindsum_cli.manifest_file import (
    DRAFT_SUFFIX,
    approve_manifest,
    read_manifest,
    sign_draft,
    write_draft,
)
from blindsum_rules.study_toml import manifest_from_toml

COLUMNS: Final = ("age", "sex", "num")
"""What the hospitals' tables hold: years, 1 for men, and 1 to 4 for a diseased heart."""

STUDY: Final = "heart-statistics"
MOST_RECORDS: Final = 304
MIDDLE_AGE: Final = 55
QUERIES: Final = 2
_SPARE_ROUNDS: Final = 2

_NAMES: Final = dict(
    zip(HOSPITALS, ("Cleveland", "Hungary", "VA Long Beach", "Switzerland"), strict=True)
)

_QUERIES: Final = """
[[queries]]
name = "prevalence"
description = "How many patients there are, how many with the disease, and how old they are"
window_from = 1981-05-01    # these records carry no day: every hospital answers from the window
window_to = 1987-09-01
{max_records}

[[queries.counts]]
name = "patients"

[[queries.counts]]
name = "diseased"
where = [{{ column = "num", at_least = 1 }}]

[[queries.means]]
name = "age"
column = "age"
lowest = 20
highest = 90
offset = {offset}

[[queries]]
name = "age-by-sex-and-disease"
description = "How many patients there are of each age, sex and diagnosis"
window_from = 1981-05-01
window_to = 1987-09-01
{max_records}

[[queries.histograms]]
name = "patients"
[queries.histograms.edges]
sex = [0, 1, 2]
num = [0, 1, 5]             # healthy, and diseased of any degree
age = [20, 40, 50, 60, 70, 90]
"""

_PRIVACY: Final = """\
[privacy]
unit = "record"
epsilon = {epsilon!r}
delta = 1e-5
planned_rounds = {queries}
units_per_client = {records}
"""


def set_up_statistics(root: Path, seal: str, epsilon: float | None) -> DemoSetup:
    """Make keys and tables, and a study that its operator signed and its officer approved.

    Args:
        root: An empty folder.
        seal: The study's seal.
        epsilon: What the study promises, or None without noise.

    Raises:
        Refused: `privacy-epsilon`, and what else a plan refuses.
    """
    # The places of a demo have a first model; a statistic study does not look at it.
    places, operator = enrol_everybody(root, initial_model())
    for hospital in HOSPITALS:
        write_records(table_of(places, hospital), hospital)
    toml = statistics_toml(seal, epsilon)
    (places.party(OPERATOR).folder / f"{STUDY}.toml").write_text(toml, encoding="utf-8")
    manifest = manifest_from_toml(toml, read_identities([places.public]))
    path = places.manifest(manifest.study)
    draft = path.with_suffix(DRAFT_SUFFIX)
    write_draft(draft, manifest)
    sign_draft(draft, operator)
    officer = places.party(OFFICER)
    passphrase = officer.passphrase.read_text(encoding="ascii").strip()
    approve_manifest(path, open_key(officer.key, passphrase.encode()).identity)
    draft.unlink()
    signed, _ = read_manifest(path)
    return DemoSetup(places, (DemoStudy(seal, places, signed),), operator, QUERIES)


def statistics_toml(seal: str, epsilon: float | None) -> str:
    """The study.toml: with [privacy] if an epsilon is named."""
    most = "" if epsilon is not None else f"max_records = {MOST_RECORDS}"
    summing = (
        ""
        if epsilon is None
        else _PRIVACY.format(epsilon=float(epsilon), queries=QUERIES, records=MOST_RECORDS)
    )
    text = study_toml(STUDY, seal, summing, QUERIES + _SPARE_ROUNDS)
    # Exact sums are read as they are; with noise the middle of the range keeps it small.
    asked = _QUERIES.format(max_records=most, offset=0 if epsilon is None else MIDDLE_AGE)
    return text.replace('kind = "model"', 'kind = "statistic"') + asked


def table_of(places: Places, hospital: str) -> Path:
    """A hospital's table, in the folder of its client."""
    return places.client(hospital).folder / "records.csv"


def results_of(places: Places, hospital: str) -> Path:
    """The sums as a hospital verified them."""
    return places.client(hospital).folder / "results.json"


def write_records(path: Path, hospital: str) -> None:
    """Write a hospital's patients: the columns that are asked about, as whole numbers."""
    text = files("blindsum_cli.demo").joinpath("data/heart_disease_uci.csv")
    with path.open("w", newline="", encoding="ascii") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in csv.DictReader(text.read_text(encoding="ascii").splitlines()):
            if row["dataset"] == _NAMES[hospital]:
                table.writerow([row["age"], int(row["sex"] == "Male"), row["num"]])
