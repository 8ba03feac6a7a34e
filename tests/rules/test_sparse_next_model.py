"""The next model of a sparse study: the mean goes where it came from, and pruned values vanish."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import digest
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Layout, Model, NamedArray
from blindsum_rules.next_model import next_model
from blindsum_rules.privacy.study_checks import check_summing
from blindsum_rules.sparsity import Sparsity, SparsityRule, positions

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

SIZE, KEPT = 60, 7
ROUND_ID = digest("test/round", b"sparse")
MODEL: Model = np.cos(np.arange(SIZE)).astype(np.float32)
AGGREGATE = np.append(np.arange(KEPT) * 31 - 90, 400)


def sparse(study: "SmallStudy", rule: SparsityRule) -> Manifest:
    layout = Layout((NamedArray("weight", (SIZE,)),))
    return replace(study.body, layout=layout, sparsity=Sparsity(rule, KEPT))


def dense_aggregate(travelled: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The sum that a dense round would have opened to, had everybody sent zeros elsewhere."""
    whole = np.zeros(SIZE + 1, np.int64)
    whole[travelled], whole[-1] = AGGREGATE[:-1], AGGREGATE[-1]
    return whole


@pytest.mark.parametrize("rule", list(SparsityRule))
@pytest.mark.parametrize("update_rule", ["fedavg", "fedsgd"])
def test_what_travelled_moves_as_in_a_dense_round_whose_other_values_are_zero(
    study: "SmallStudy", rule: SparsityRule, update_rule: str
) -> None:
    manifest = replace(sparse(study, rule), update_rule=update_rule, server_learning_rate=0.7)
    travelled = positions(Sparsity(rule, KEPT), MODEL, ROUND_ID)

    after = next_model(manifest, MODEL, AGGREGATE, ROUND_ID)

    dense = next_model(
        replace(manifest, sparsity=None), MODEL, dense_aggregate(travelled), ROUND_ID
    )
    stayed = np.setdiff1d(np.arange(SIZE), travelled)
    assert after[travelled].tobytes() == dense[travelled].tobytes()
    assert not np.array_equal(after[travelled], MODEL[travelled])
    if rule is SparsityRule.RANDOM_K:
        assert after[stayed].tobytes() == MODEL[stayed].tobytes()
    else:
        assert after[stayed].tobytes() == bytes(4 * stayed.size)


def test_a_pruned_value_stays_zero_as_long_as_the_kept_ones_are_not(study: "SmallStudy") -> None:
    manifest, model, kept = sparse(study, SparsityRule.PRUNE), MODEL, set[bytes]()
    for number in range(4):
        model = next_model(
            manifest, model, np.full(KEPT + 1, 5), digest("test/round", b"%d" % number)
        )
        kept.add(np.flatnonzero(model).tobytes())
    assert np.count_nonzero(model) == KEPT
    assert len(kept) == 1


@pytest.mark.parametrize("rule", list(SparsityRule))
def test_a_spoiled_round_leaves_every_value_as_it_is(
    study: "SmallStudy", rule: SparsityRule
) -> None:
    spoiled = AGGREGATE.copy()
    spoiled[-1] = -3
    after = next_model(sparse(study, rule), MODEL, spoiled, ROUND_ID)
    assert after.tobytes() == MODEL.tobytes()


@pytest.mark.parametrize("length", [KEPT, KEPT + 2, SIZE + 1])
def test_a_sum_of_another_length_is_rejected(study: "SmallStudy", length: int) -> None:
    with pytest.raises(Rejected) as caught:
        next_model(sparse(study, SparsityRule.RANDOM_K), MODEL, np.ones(length, np.int64), ROUND_ID)
    assert caught.value.rule == "aggregate-length"


@pytest.mark.parametrize("kept", [SIZE, SIZE + 1])
def test_a_study_that_keeps_everything_is_refused(study: "SmallStudy", kept: int) -> None:
    manifest = sparse(study, SparsityRule.PRUNE)
    check_summing(manifest)
    with pytest.raises(Refused) as caught:
        check_summing(replace(manifest, sparsity=Sparsity(SparsityRule.PRUNE, kept)))
    assert caught.value.rule == "sparsity"
