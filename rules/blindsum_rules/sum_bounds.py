"""How large a round's integers can become: one client's, and the sum of all.

Fields, masks and gates follow from these numbers alone, whatever is summed.
"""

from dataclasses import dataclass

from blindsum_crypto.packing import largest_field
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.privacy.noise import largest_draw
from blindsum_rules.privacy.study_plan import study_plan


@dataclass(frozen=True, slots=True)
class SumBounds:
    """The bounds of a round with a cohort of some size.

    Attributes:
        coordinate: The largest |value| that one client sends, noise included.
        round: The largest |sum| of the whole cohort where that is less than clients times
            coordinate, or None (`blindsum_crypto.seal.sum_bound`).
        field_bits: Bits of the signed field that holds the sum.
    """

    coordinate: int
    round: int | None
    field_bits: int


def sum_bounds(manifest: Manifest, cohort_size: int) -> SumBounds:
    """The bounds of a round with so many invited clients.

    Answers of a statistic study without noise are integers within what its queries declare. A
    private study's field is its plan's, for all clients, however many are invited: the plan
    proved that it holds everybody's worst case and the tail of everybody's noise.

    Raises:
        Refused: what a private study's plan refuses.
    """
    if manifest.codec is not None:
        codec = manifest.codec
        return SumBounds(codec.coordinate_bound, None, codec.field_bits(cohort_size))
    if manifest.kind is StudyKind.STATISTIC and manifest.privacy is None:
        answer = max(query.largest_answer for query in manifest.queries)
        # One bit more than the magnitude, for the sign.
        return SumBounds(answer, None, (cohort_size * answer).bit_length() + 1)
    plan = study_plan(manifest)
    largest = largest_field(plan.field_bits)
    return SumBounds(
        # A share beyond its room in the field comes once in 2^40 rounds, and is refused there.
        coordinate=min(plan.coordinate_bound + largest_draw(plan.share), largest),
        round=plan.worst_sum + plan.noise_tail,
        field_bits=plan.field_bits,
    )
