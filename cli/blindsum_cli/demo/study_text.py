"""study.toml of the demo's studies, as an operator would write it."""

from datetime import UTC, datetime, timedelta
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import AGGREGATOR, OFFICER, OPERATOR, custodian_of

THRESHOLD: Final = 2
QUORUM: Final = 3
MIN_COHORT: Final = 3
ACCEPT_SECONDS: Final = 6
CONTRIBUTE_SECONDS: Final = 6
"""Only a round in which a hospital stays away lasts both: the others freeze when all are in."""

_STUDY_TOML: Final = """\
study = "{study}"
purpose = "Predict heart disease from routine findings, over four hospitals"
permit = "Demo on public records: UCI Heart Disease, CC BY 4.0"
kind = "model"
seals = ["{seal}"]
not_before = {not_before}
not_after = {not_after}

[parties]
operator = "{operator}"
officer = "{officer}"
aggregator = "{aggregator}"

[custodians]
names = [{custodians}]
threshold = {threshold}
quorum = {quorum}

[cohort]
min_cohort = {min_cohort}
min_organisations = {min_cohort}

{clients}
{summing}
[schedule]
max_rounds = {rounds}
accept_seconds = {accept_seconds}
contribute_seconds = {contribute_seconds}
release_seconds = 60
"""

CODEC: Final = """\
[codec]
clip_norm = 8.0         # wide enough that no update of the demo is clipped
levels = 262144
weight_cap = 256        # no hospital trains on more records
weight_scale = 1.0
"""
"""Without noise: how updates become integers."""


def study_toml(study: str, seal: str, summing: str, rounds: int) -> str:
    """A study.toml of the demo.

    Args:
        study: The study's id.
        seal: Its one seal.
        summing: [codec], or [privacy] and [update].
        rounds: The most rounds.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    clients = (
        f'[[clients]]\nname = "{hospital}"\norganisation = "{hospital}"\n' for hospital in HOSPITALS
    )
    return _STUDY_TOML.format(
        study=study,
        seal=seal,
        not_before=(now - timedelta(hours=1)).isoformat(),
        not_after=(now + timedelta(days=1)).isoformat(),
        operator=OPERATOR,
        officer=OFFICER,
        aggregator=AGGREGATOR,
        custodians=", ".join(f'"{custodian_of(hospital)}"' for hospital in HOSPITALS),
        threshold=THRESHOLD,
        quorum=QUORUM,
        min_cohort=MIN_COHORT,
        clients="\n".join(clients),
        summing=summing,
        rounds=rounds,
        accept_seconds=ACCEPT_SECONDS,
        contribute_seconds=CONTRIBUTE_SECONDS,
    )
