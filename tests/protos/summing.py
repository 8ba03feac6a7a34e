"""How a study makes integers of what clients know, drawn, and one example of it."""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from blindsum_rules.codec.parameters import MAX_LEVELS, Codec
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import MAX_VARIANCE, Mechanism
from blindsum_rules.privacy.policy import AdaptiveClipping, PrivacyPolicy
from blindsum_rules.sparsity import Sparsity, SparsityRule
from blindsum_rules.statistics.building import count, histogram, mean
from blindsum_rules.statistics.query import LEAST, MAX_CONTRIBUTION, MOST, Cell, Condition, Query

NUMBER = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
FRACTION = st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True)
UINT32 = st.integers(0, (1 << 32) - 1)
COUNT = st.integers(1, (1 << 63) - 1)
LINE = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=40
).filter(str.strip)


def codecs() -> SearchStrategy[Codec]:
    """How updates become integers without noise."""
    return st.builds(Codec, NUMBER, st.integers(1, MAX_LEVELS), COUNT, NUMBER)


def policies() -> SearchStrategy[PrivacyPolicy]:
    """What a private study says of its noise; whether it is a plan, the wire does not ask."""
    return st.builds(
        PrivacyPolicy,
        unit=st.sampled_from(Unit),
        relation=st.sampled_from(Relation),
        mechanism=st.sampled_from(Mechanism),
        delta=FRACTION,
        colluders=UINT32,
        planned_rounds=UINT32,
        units_per_client=UINT32,
        allow_few_clients=st.booleans(),
        clip_norm=NUMBER,
        reference_units=COUNT,
        levels=UINT32,
        share_variance=st.integers(1, MAX_VARIANCE),
        field_bits=UINT32,
        order=UINT32,
        adaptive=st.none()
        | st.builds(AdaptiveClipping, count_noise=NUMBER, rate=NUMBER, quantile=FRACTION),
    )


def sparsities() -> SearchStrategy[Sparsity]:
    """Which coordinates travel."""
    return st.builds(Sparsity, st.sampled_from(SparsityRule), COUNT)


def private(manifest: Manifest) -> Manifest:
    """The same study with a privacy policy, adaptive, in place of its codec; sparse."""
    policy = PrivacyPolicy(
        unit=Unit.CLIENT,
        relation=Relation.ZERO_OUT,
        mechanism=Mechanism.SKELLAM,
        delta=1e-5,
        colluders=1,
        planned_rounds=8,
        units_per_client=1,
        allow_few_clients=True,
        clip_norm=0.5,
        reference_units=3,
        levels=1_024,
        share_variance=4_000_000,
        field_bits=20,
        order=12,
        adaptive=AdaptiveClipping(count_noise=10.0, rate=0.2, quantile=0.5),
    )
    return replace(
        manifest,
        codec=None,
        privacy=policy,
        sparsity=Sparsity(SparsityRule.RANDOM_K, 16),
        local_methods=("batch-norm", "momentum"),
    )


def conditions() -> SearchStrategy[tuple[Condition, ...]]:
    """What a record must hold: some columns, each within an interval."""
    ends = st.lists(st.integers(LEAST, MOST), min_size=2, max_size=2, unique=True).map(sorted)
    some = st.lists(st.tuples(LINE, ends), max_size=3, unique_by=lambda one: one[0])
    return some.map(lambda found: tuple(Condition(name, *two) for name, two in sorted(found)))


def cells() -> SearchStrategy[Cell]:
    """A count, or a value within its range; in no group, which has to be proven exclusive."""
    within = st.integers(-MAX_CONTRIBUTION, MAX_CONTRIBUTION)
    ranges = st.tuples(within, within).map(sorted).filter(any)
    values = st.builds(
        lambda name, column, ends, where, offset: Cell(
            name, column, ends[0], ends[1], where=where, offset=offset
        ),
        *(LINE, LINE, ranges, conditions(), within),
    )
    return values | st.builds(lambda name, where: Cell(name, where=where), LINE, conditions())


def queries() -> SearchStrategy[Query]:
    """What a round of statistics asks."""
    days = st.lists(st.dates(), min_size=2, max_size=2, unique=True).map(sorted)
    names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
    some = st.lists(cells(), min_size=1, max_size=3, unique_by=lambda cell: cell.name).map(tuple)
    return st.builds(
        lambda name, words, window, column, most, chosen: Query(
            name, words, window[0], window[1], column, most, chosen
        ),
        *(names, LINE, days, st.just("") | LINE, st.integers(1, 1 << 30), some),
    )


def of_statistics(manifest: Manifest) -> Manifest:
    """The same parties, who ask one query: a count, a mean and a histogram."""
    query = Query(
        name="age-by-sex",
        description="Age by sex, and blood pressure.",
        window_from=date(1981, 5, 1),
        window_to=date(1987, 9, 1),
        date_column="day",
        max_records=303,
        cells=(
            *count("diseased", [Condition("num", 1, 5)]),
            *mean("pressure", "trestbps", 60, 220),
            *histogram("age", {"age": [20, 40, 60, 80], "sex": [0, 1, 2]}),
        ),
    )
    return replace(manifest, kind=StudyKind.STATISTIC, codec=None, queries=(query,))
