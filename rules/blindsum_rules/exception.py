"""An exception to the rule against differencing: signed by operator and officer, used once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from blindsum_crypto import domains
from blindsum_rules.signed import Signed

NOT_IN_EXCEPTION: Final = "not-in-exception"
"""Why a freeze leaves out whom its exception does not name."""

_MOST_NAMES: Final = 10


@dataclass(frozen=True, slots=True)
class DifferencingException:
    """One named freeze may overlap earlier ones. A study without an officer has none.

    Attributes:
        study: Study id.
        round_number: The one round it is for.
        model_version: The version it is for.
        clients: The exact set U that it allows, ascending.
        reason: Why, for the transcript.
        manifest_digest: Digest of the study's manifest, 32 bytes: a study id alone would let the
            words of an earlier study of that name speak in this one.
    """

    DOMAIN: ClassVar[str] = domains.EXCEPTION

    study: str
    round_number: int
    model_version: int
    clients: tuple[str, ...]
    reason: str
    manifest_digest: bytes


@dataclass(frozen=True, slots=True)
class SignedException:
    """An exception by the hands that it needs.

    Attributes:
        operator: Signed by the operator.
        officer: The same words signed by the privacy officer; None until then, and without it the
            exception allows nothing.
    """

    operator: Signed[DifferencingException]
    officer: Signed[DifferencingException] | None = None

    @property
    def body(self) -> DifferencingException:
        """What it says, by the operator's word."""
        return self.operator.body

    @property
    def digest(self) -> bytes:
        """What a certificate names; 32 bytes."""
        return self.operator.digest


def given_away(clients: frozenset[str], earlier: frozenset[str]) -> str:
    """What a sum over one set gives away beside the sum over an earlier one, in words.

    Args:
        clients: The set that an exception allows.
        earlier: A set of the same model version that counts as released.

    Returns:
        What the difference of the two sums is: "the contribution of hungary alone", or "the sum
        over a, b less the sum over c". Of a private study it has their noise in it.
    """
    only_then, only_now = earlier - clients, clients - earlier
    if not only_then or not only_now:
        return _sum_over(only_then or only_now)
    return f"{_sum_over(only_then)} less {_sum_over(only_now)}"


def _sum_over(clients: Iterable[str]) -> str:
    names = sorted(clients)
    if len(names) == 1:
        return f"the contribution of {names[0]} alone"
    more = len(names) - _MOST_NAMES
    rest = f" and {more} more" if more > 0 else ""
    return f"the sum over {', '.join(names[:_MOST_NAMES])}{rest}"
