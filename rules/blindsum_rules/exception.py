"""An exception to the rule against differencing: signed by operator and officer, used once."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class DifferencingException:
    """One named freeze may overlap earlier ones. A study without an officer has none.

    Attributes:
        study: Study id.
        round_number: The one round it is for.
        model_version: The version it is for.
        clients: The exact set U that it allows, ascending.
        reason: Why, for the certificate.
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
