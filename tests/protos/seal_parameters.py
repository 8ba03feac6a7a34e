"""Parameters of any seal, drawn."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_rules.spec import SealParameters


def seal_parameters() -> SearchStrategy[SealParameters]:
    """What a spec may carry."""
    ckks = st.builds(
        CkksParameters,
        scale_bits=st.integers(7, 10),
        field_bits=st.integers(2, 16),
        fields=st.integers(1, 3),
        set_name=st.sampled_from(("A", "B")),
    )
    return st.one_of(ckks, st.builds(MaskingParameters, st.integers(8, 64)))
