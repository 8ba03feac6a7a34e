"""How a study makes integers of what clients know, drawn, and one example of it."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from blindsum_rules.codec.parameters import MAX_LEVELS, Codec
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import MAX_VARIANCE, Mechanism
from blindsum_rules.privacy.policy import AdaptiveClipping, PrivacyPolicy
from blindsum_rules.sparsity import Sparsity, SparsityRule

NUMBER = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
FRACTION = st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True)
UINT32 = st.integers(0, (1 << 32) - 1)
COUNT = st.integers(1, (1 << 63) - 1)


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
