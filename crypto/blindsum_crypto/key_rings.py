"""Several key rings of one party: its identity stays, and each ring has the keys of one epoch."""

import hmac
from collections.abc import Sequence

from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_crypto.keystore import KeyRing


def identity_of(key_rings: Sequence[KeyRing]) -> Identity:
    """The identity that all of a party's key rings share.

    Raises:
        Refused: `one-identity`, when there is no ring, or they are of different parties.
    """
    identities = [ring.identity for ring in key_rings]
    if not identities or any(
        not hmac.compare_digest(one.public, identities[0].public) for one in identities
    ):
        raise Refused("one-identity", "expected key files of one party, each of another epoch")
    return identities[0]
