"""study.toml by example: a complete file with a comment on every key, for every kind of study."""

from typing import Final

_HEAD: Final = """\
# A Blindsum study. `blindsum study create` compiles this file into a manifest; the operator signs
# the manifest, and it alone counts. Keys come from the NAME.identity files of the parties.

study = "heart-2026"            # identifier: a-z 0-9 . _ -
purpose = "Predict heart disease from thirteen routine findings"
permit = "Ethics committee, file 2026-117"
kind = "model"                  # what rounds sum: model updates
seals = ["ckks"]                # optional; how vectors are sealed: "ckks", for any number of
                                # clients, or "masking", whose work grows with the clients:
                                # cheaper below about 50 of them, 1,000 at most
not_before = 2026-01-01T00:00:00Z   # no round opens earlier; with a time zone
not_after = 2027-01-01T00:00:00Z    # no round opens later

[parties]
operator = "registry"           # signs the manifest
officer = "privacy-office"      # optional; then the manifest needs this approval too
aggregator = "adder"            # adds, opens the one port

[custodians]                    # the key management
names = ["keeper-a", "keeper-b", "keeper-c", "keeper-d"]
threshold = 2                   # custodians needed to open; one fewer learn nothing
quorum = 3                      # signatures needed: floor((m + threshold - 1) / 2) + 1 or more

[cohort]
min_cohort = 3                  # fewest contributions that may be summed
min_organisations = 3           # fewest organisations among them
no_differencing = "version"     # optional; "version", or "study": over all rounds
# groups = 3                    # optional; above 1,000 clients, only with seals = ["masking"]: a
#                               # round each, and every group's sum is visible. ckks needs none

[[clients]]                     # one block for each client
name = "cleveland"
organisation = "cleveland-clinic"

[[clients]]
name = "hungary"
organisation = "budapest-cardiology"

[[clients]]
name = "switzerland"
organisation = "basel-zurich"

[[clients]]
name = "va-long-beach"
organisation = "va-long-beach"

"""

_CODEC: Final = """\
[codec]
clip_norm = 1.0                 # L2 norm to which an update is clipped
levels = 65536                  # integer levels that the joint norm maps to, up to 262144; bytes
                                # a value for ten clients, masking / ckks: 126 (8 bits) 1.5 / 1.9,
                                # 2046 (12 bits) 2.0 / 2.5, 32766 (16 bits) 2.5 / 3.8
weight_cap = 300                # records above which a client's weight no longer grows; near
                                # what the clients have, or rounding drowns their updates
weight_scale = 1.0              # the hidden weight at weight_cap records, in the unit of clip_norm

"""

_PRIVACY: Final = """\
[privacy]
unit = "record"                 # what is hidden: "record"; "patient", whose records a site puts
                                # together first; or "client", which needs 100 clients
epsilon = 3.0                   # promised over planned_rounds; or noise_multiplier in its place
delta = 1e-5                    # chance that the promise fails; well below 1 over all records
planned_rounds = 8              # rounds at their worst that the budget pays for; max_rounds may be
                                # more, since rounds with surplus noise cost less
colluders = 1                   # optional; organisations that may pool what they know, 1 or more
clip_norm = 0.5                 # L2 norm to which every unit is clipped
units_per_client = 303          # the most units of one client; 1 for the unit client
reference_units = 920           # the public number that a sum is divided by
mechanism = "skellam"           # optional; or "discrete-gaussian"
relation = "zero-out"           # optional; or "replace-one"
allow_few_clients = false       # optional; allows the unit client below 100 clients

"""

_COMPRESSION: Final = """\
# [compression]                 # optional; which coordinates travel, the same for everybody
# rule = "random-k"             # drawn anew for every round; or "prune": those where the model is
#                               # largest, and the others become zero
# kept = 100000                 # how many, fewer than the model has; bytes fall in proportion

"""

_UPDATE: Final = """\
[update]
rule = "fedavg"                 # optional; "fedavg" adds the mean update, "fedsgd" steps against
                                # the mean gradient
server_learning_rate = 1.0      # optional; factor on the mean
local_methods = []              # optional; what clients are asked to do beside one pass over the
                                # model: "batch-norm", "error-feedback", "momentum",
                                # "site-fitted-preprocessing"; none for the units record, patient

"""

_SCHEDULE: Final = """\
[schedule]
max_rounds = 12                 # aborted ones count
accept_seconds = 60             # from proposal to a quorum of acceptances
contribute_seconds = 600        # to train and send; the round freezes accept_seconds plus this
                                # after its proposal at the latest
release_seconds = 300           # from the contribution deadline to the release deadline
pause_seconds = 0               # optional; from a round's closes to the next opening
quota = 0                       # optional; contributions that freeze early; 0: the whole cohort
"""


_QUERIES: Final = """\

[[queries]]                     # one block for each question; a round answers one, in this order
name = "age-by-sex-and-disease"
description = "How old the patients are, by sex and by whether they have the disease"
window_from = 1981-05-01        # the first day of the data that are asked about
window_to = 1987-09-01          # the day after the last
# date_column = "day"           # optional; by which every site cuts the window; without it sites
                                # answer from the records of the window, and the window counts as
                                # overlapping with every other
max_records = 303               # the most records of one client; public. Optional under [privacy]

[[queries.counts]]              # how many records hold all conditions; without any, all of them
name = "patients"

[[queries.counts]]
name = "diseased"
where = [{ column = "num", at_least = 1 }]  # at_least, below, or equals

[[queries.means]]               # a column's sum and how many records have a number there
name = "age"
column = "age"
lowest = 20                     # what one record may add, in whole numbers
highest = 90
# offset = 55                   # optional; taken off every value, and put back to the mean: with
                                # noise the middle of the range keeps the noise small

[[queries.histograms]]          # a record is in one bin at most
name = "age-by-sex-and-disease"
where = [{ column = "age", at_least = 20 }]

[queries.histograms.edges]      # where bins begin; the last edge is where the last bin ends
sex = [0, 1, 2]
diseased = [0, 1, 2]

[[queries]]
name = "cholesterol"
description = "Serum cholesterol of those in whom it was measured, mg/dl"
window_from = 1981-05-01
window_to = 1987-09-01
max_records = 303

[[queries.means]]
name = "cholesterol"
column = "chol"
lowest = 50
highest = 650
where = [{ column = "chol", at_least = 1 }] # zero stands for not measured
"""


def example_toml(*, private: bool = False, statistic: bool = False) -> str:
    """A complete study.toml with a comment on every key, for `study create --example`.

    Args:
        private: Whether clients add noise: then [privacy] stands where [codec] does.
        statistic: Whether it asks queries, and trains no model.
    """
    if statistic:
        privacy = _without(_PRIVACY, "clip_norm", "reference_units") if private else ""
        # Two queries are asked; one round more is for a sum that was opened and spoilt.
        privacy = privacy.replace("planned_rounds = 8", "planned_rounds = 3")
        return _of_statistics(_HEAD) + privacy + _SCHEDULE + _QUERIES
    if not private:
        return _HEAD + _CODEC + _COMPRESSION + _UPDATE + _SCHEDULE
    # Its units are records' gradients: a step along their mean would unlearn.
    update = _UPDATE.replace("fedavg", "fedsgd", 1)
    return _HEAD + _PRIVACY + _COMPRESSION + update + _SCHEDULE


def _of_statistics(head: str) -> str:
    """The head of a study that asks in place of training."""
    return (
        head.replace(
            "Predict heart disease from thirteen routine findings",
            "Describe heart patients by age, sex and diagnosis",
        )
        .replace(
            'kind = "model"                  # what rounds sum: model updates',
            'kind = "statistic"              # what rounds sum: answers to [[queries]], below',
        )
        .replace(
            'no_differencing = "version"     # optional; "version", or "study": over all rounds',
            'no_differencing = "study"       # optional; over all rounds, or "version": over\n'
            "                                # those whose windows overlap",
        )
    )


def _without(table: str, *keys: str) -> str:
    """A table without the lines of some keys, which of statistics follow from the queries."""
    lines = table.splitlines(keepends=True)
    return "".join(line for line in lines if line.split(" = ")[0] not in keys)
