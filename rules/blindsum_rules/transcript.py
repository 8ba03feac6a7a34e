"""The transcript folder: which file of it holds what. The aggregator writes, the auditor reads.

    manifest.pb                 ManifestFile
    rounds/000007/
        spec.pb                 Signed SpecBody
        acceptances.pb          SignedList of AcceptanceBody
        pages.pb                SignedList of HeaderPageBody, by page
        contributions.pb        SignedList of ContributionBody, ascending by client
        admissions.pb           SignedList of AdmissionBody, by page, then custodian
        freeze.pb               Signed FreezeBody; absent when the round froze nothing
        endorsements.pb         SignedList of EndorsementBody
        exception.pb            SignedException, only when one was used
        releases.pb             SignedList of ReleaseBody (entitled)
        certificate.pb          Signed CertificateBody of a published round, or
        abort.pb                Signed AbortBody of an aborted one
        closes.pb               SignedList of CloseBody
        payloads/CLIENT.bin     the sealed bytes of one contribution (sealed), when they are kept
        pair_tables.bin         pair tables of the filed contributions (sealed), under masking, of a
                                round that froze something
        sealed_sum.bin          chunks of the sealed sum (sealed), of a published round
        aggregate.bin           salt and opened sum (entitled), of a published round
        model.bin               the model that the round started from (entitled)
    end/
        spec.pb                 Signed SpecBody of kind "end"
        acceptances.pb          SignedList of AcceptanceBody

A list without items is a file without bytes. Every name here is a path below the folder, with
forward slashes.
"""

import re
from typing import Final

from blindsum_rules.identifiers import check_identifier

MANIFEST: Final = "manifest.pb"
ROUNDS: Final = "rounds"
END: Final = "end"
PAYLOADS: Final = "payloads"

SPEC: Final = "spec.pb"
ACCEPTANCES: Final = "acceptances.pb"
PAGES: Final = "pages.pb"
CONTRIBUTIONS: Final = "contributions.pb"
ADMISSIONS: Final = "admissions.pb"
FREEZE: Final = "freeze.pb"
ENDORSEMENTS: Final = "endorsements.pb"
EXCEPTION: Final = "exception.pb"
RELEASES: Final = "releases.pb"
CERTIFICATE: Final = "certificate.pb"
ABORT: Final = "abort.pb"
CLOSES: Final = "closes.pb"
PAIR_TABLES: Final = "pair_tables.bin"
SEALED_SUM: Final = "sealed_sum.bin"
AGGREGATE: Final = "aggregate.bin"
MODEL: Final = "model.bin"

PUBLIC_FILES: Final = frozenset(
    {
        SPEC,
        ACCEPTANCES,
        PAGES,
        CONTRIBUTIONS,
        ADMISSIONS,
        FREEZE,
        ENDORSEMENTS,
        EXCEPTION,
        CERTIFICATE,
        ABORT,
        CLOSES,
    }
)
"""Files of a round that everybody may read."""

SEALED_FILES: Final = frozenset({PAIR_TABLES, SEALED_SUM})
"""Files of a round, beside the payloads, from which a sealed sum is recomputed."""

ENTITLED_FILES: Final = frozenset({RELEASES, AGGREGATE, MODEL})
"""Files of a round for those only who may see the sum."""

END_FILES: Final = frozenset({SPEC, ACCEPTANCES})
"""Files of the end of a study."""

ROUND_DIGITS: Final = 6
_ROUND_FOLDER: Final = re.compile(r"[0-9]{6}|[1-9][0-9]{6,17}")
_PAYLOAD_SUFFIX: Final = ".bin"


def round_folder(round_number: int) -> str:
    """The folder of a round: "rounds/000007"."""
    return f"{ROUNDS}/{round_number:0{ROUND_DIGITS}d}"


def round_file(round_number: int, name: str) -> str:
    """A file of a round: "rounds/000007/spec.pb"."""
    return f"{round_folder(round_number)}/{name}"


def payload_file(round_number: int, client: str) -> str:
    """The sealed bytes of a client: "rounds/000007/payloads/cleveland.bin".

    Raises:
        Rejected: `identifier`, when `client` is not an identifier and could lead elsewhere.
    """
    check_identifier(client, "client")
    return f"{round_folder(round_number)}/{PAYLOADS}/{client}{_PAYLOAD_SUFFIX}"


def end_file(name: str) -> str:
    """A file of the end of a study: "end/spec.pb"."""
    return f"{END}/{name}"


def round_number_of(folder_name: str) -> int | None:
    """The number of a round's folder ("000007" is 7), or None when no round is called so."""
    return int(folder_name) if _ROUND_FOLDER.fullmatch(folder_name) else None


def client_of(payload_name: str) -> str | None:
    """The client of a payload's file name ("cleveland.bin"), or None when none is called so."""
    client = payload_name.removesuffix(_PAYLOAD_SUFFIX)
    return None if client == payload_name else client
