"""The one table of domain-separation strings: signatures, digests, HKDF, HMAC and HPKE infos.

No string stands anywhere else, and no two uses share one. Every hash, HMAC and HKDF input is
length-prefixed (see `primitives.length_prefixed`), so no concatenation of one use can be read as
another's.
"""

from typing import Final

# Signed bodies: the digest of a body and its signature use the same string.
IDENTITY: Final = "blindsum/v1/identity"
MANIFEST: Final = "blindsum/v1/manifest"
APPROVAL: Final = "blindsum/v1/approval"
AMENDMENT: Final = "blindsum/v1/amendment"
EXCEPTION: Final = "blindsum/v1/exception"
SPEC: Final = "blindsum/v1/spec"  # the digest of a spec's body is the round id
ACCEPTANCE: Final = "blindsum/v1/acceptance"
CONTRIBUTION: Final = "blindsum/v1/contribution"
RECEIPT: Final = "blindsum/v1/receipt"
HEADER_PAGE: Final = "blindsum/v1/header-page"
ADMISSION: Final = "blindsum/v1/admission"
FREEZE: Final = "blindsum/v1/freeze"
ENDORSEMENT: Final = "blindsum/v1/endorsement"
RELEASE: Final = "blindsum/v1/release"
CERTIFICATE: Final = "blindsum/v1/certificate"
ABORT: Final = "blindsum/v1/abort"
CLOSE: Final = "blindsum/v1/close"
REFUSAL: Final = "blindsum/v1/refusal"
OPERATOR_REQUEST: Final = "blindsum/v1/operator-request"
CALL: Final = "blindsum/v1/call"

# Digests and commitments.
CORE_HEADER: Final = "blindsum/v1/core-header"
WRAP: Final = "blindsum/v1/wrap"
WRAP_KEY: Final = "blindsum/v1/wrap-key"  # as a spec names it
PAYLOAD: Final = "blindsum/v1/payload"
CUSTODY_COMMITMENT: Final = "blindsum/v1/custody-commitment"
SELF_COMMITMENT: Final = "blindsum/v1/self-commitment"
PAIR_COMMITMENT: Final = "blindsum/v1/pair-commitment"
PAIR_TABLE: Final = "blindsum/v1/pair-table"
AGGREGATE_COMMITMENT: Final = "blindsum/v1/aggregate-commitment"
MODEL: Final = "blindsum/v1/model"
LAYOUT: Final = "blindsum/v1/layout"
FINGERPRINT: Final = "blindsum/v1/fingerprint"
SEEDED_RANDOMNESS: Final = "blindsum/v1/seeded-randomness"  # tests and known answers only

# Derivations.
CUSTODY_LEAF: Final = "blindsum/v1/custody-leaf"
CKKS_KEY: Final = "blindsum/v1/ckks-key"  # from a leaf to the keystream of one prime
CKKS_REFERENCE: Final = "blindsum/v1/ckks-reference"
PAIR_SECRET: Final = "blindsum/v1/pair-secret"  # noqa: S105 - a label; agreement to mask key
MODEL_SALT: Final = "blindsum/v1/model-salt"
RANDOM_K: Final = "blindsum/v1/random-k"  # from a round id to the coordinates that travel in it

# HPKE infos and associated data of keys at rest.
CUSTODY_WRAP: Final = "blindsum/v1/custody-wrap"
KEY_FILE: Final = "blindsum/v1/key-file"

# Labels of custody leaves.
LABEL_CKKS_KEY: Final = "ckks-key"
LABEL_SELF: Final = "self"
LABEL_PAIR: Final = "pair/"  # followed by the peer's id
