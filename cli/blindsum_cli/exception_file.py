"""STUDY.round-N.exception on disk: signed by the operator, then by the privacy officer as well."""

import hmac
import os
import tempfile
from pathlib import Path
from typing import Final

from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.exception import (
    signed_exception_from_bytes,
    signed_exception_to_bytes,
)
from blindsum_protos.convert.signed import sign
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.differencing import check_exception_words
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.signed import verify

EXCEPTION_SUFFIX: Final = ".exception"
_PUBLIC_MODE: Final = 0o644
_HEADROOM_BYTES: Final = 64 << 10
"""Room for the request beside it: both hands together travel in one message."""


def exception_path(manifest_file: Path, study: str, round_number: int) -> Path:
    """Where an exception goes by default: beside the manifest."""
    return manifest_file.with_name(f"{study}.round-{round_number}{EXCEPTION_SUFFIX}")


def sign_exception(
    path: Path, exception: DifferencingException, manifest: AmendedManifest, operator: Identity
) -> SignedException:
    """Sign an exception as operator and write it to a file that is not there yet.

    Raises:
        Refused: `exception-file-exists`; `operator-key`, when it is another party's key;
            `exception-size`; what `check_exception_words` refuses.
        Rejected: `malformed-message`; what `check_exception_words` rejects.
        Unavailable: `exception-file`, when it cannot be written.
    """
    party = manifest.body.operator
    if not hmac.compare_digest(operator.public, party.identity):
        raise Refused("operator-key", f"expected the key of operator {party.name!r}")
    check_exception_words(exception, manifest.body, manifest.digest)
    if path.exists():
        raise Refused("exception-file-exists", f"expected no {path}")
    signed = SignedException(sign(exception, party.name, operator))
    _check_size(signed)
    _write(path, signed)
    return signed


def approve_exception(path: Path, manifest: AmendedManifest, officer: Identity) -> SignedException:
    """Sign the same words as privacy officer; the file then holds both signatures.

    Raises:
        Refused: `officer-key`, when the manifest names no officer or another key; as
            `read_exception`.
        Rejected: as `read_exception`.
        Unavailable: `exception-file`.
    """
    party = manifest.body.officer
    if party is None or not hmac.compare_digest(officer.public, party.identity):
        raise Refused("officer-key", "expected the key of the officer whom the manifest names")
    exception = read_exception(path, manifest)
    signed = SignedException(exception.operator, sign(exception.body, party.name, officer))
    _write(path, signed)
    return signed


def read_exception(path: Path, manifest: AmendedManifest) -> SignedException:
    """Read an exception and check it, its words and the signatures that it has.

    Raises:
        Refused: what `check_exception_words` refuses.
        Rejected: when the file is malformed; `unknown-signer`, `bad-signature`; what
            `check_exception_words` rejects.
        Unavailable: `exception-file`, when it cannot be read.
    """
    try:
        exception = signed_exception_from_bytes(path.read_bytes())
    except OSError as error:
        raise Unavailable("exception-file", f"expected a readable file {path}") from error
    except Rejected as error:
        raise Rejected(error.rule, f"{path}: {error.expected}") from error
    verify(exception.operator, manifest.body.operator_key)
    if exception.officer is not None:
        verify(exception.officer, manifest.body.officer_key)
    check_exception_words(exception.body, manifest.body, manifest.digest)
    return exception


def _check_size(exception: SignedException) -> None:
    both = 2 * len(exception.operator.body_bytes)
    if both > MAX_MESSAGE_BYTES - _HEADROOM_BYTES:
        raise Refused("exception-size", "expected the names of fewer clients: they fit no message")


def _write(path: Path, exception: SignedException) -> None:
    """Write the public file whole: whoever reads it meanwhile sees the old bytes or the new."""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(signed_exception_to_bytes(exception))
        Path(temporary).chmod(_PUBLIC_MODE)
        Path(temporary).replace(path)
    except OSError as error:
        raise Unavailable("exception-file", f"expected to be able to write {path}") from error
