"""The aggregator's tables. Digests, states and signed bytes; never a secret, never a vector."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData()

STUDIES: Final = Table(
    "studies",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("manifest_digest", LargeBinary, nullable=False),
)
"""Which manifest each study is served under, for good."""

ROUNDS: Final = Table(
    "rounds",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("round_id", LargeBinary, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("model_digest", LargeBinary, nullable=False),
    Column("invited", Integer, nullable=False),
    Column("proposed_unix", Float, nullable=False),
    Column("contribute_deadline_unix", BigInteger, nullable=False),
    Column("release_deadline_unix", BigInteger, nullable=False),
    Column("collection_closed_unix", Float),
    Column("freeze_digest", LargeBinary, nullable=False, default=b""),
    Column("commitment", LargeBinary, nullable=False, default=b""),
    Column("next_version", Integer),
    Column("next_digest", LargeBinary, nullable=False, default=b""),
    Column("rule", String(63), nullable=False, default=""),
    Column("expected", Text, nullable=False, default=""),
    Column("generation", Integer, nullable=False, default=0),
    Column("filed", Integer, nullable=False, default=0),
)
"""One row a round. `generation` counts flips of the partial sum, `filed` is how far it is filed."""

PHASES: Final = Table(
    "phases",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("at_unix", Float, nullable=False),
)
"""When a round entered each of its states."""

MESSAGES: Final = Table(
    "messages",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("study", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("page", Integer, nullable=False),
    Column("subject", String(63), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("signed", LargeBinary, nullable=False),
    UniqueConstraint("study", "number", "kind", "page", "subject"),
    Index("messages_by_digest", "study", "digest"),
)
"""Every signed message, sent or received, as its bytes; the constraint is "one answer a step"."""

EVIDENCE: Final = Table(
    "evidence",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("subject", String(63), primary_key=True),
    Column("rule", String(63), nullable=False),
    Column("signed", LargeBinary, nullable=False),
)
"""The first contradicting message of each signer and step, at most 16 of a signer and round."""

CONTRIBUTIONS: Final = Table(
    "contributions",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("client", String(63), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("payload_digest", LargeBinary, nullable=False),
    Column("payload_bytes", BigInteger, nullable=False),
    Column("entry_bytes", Integer, nullable=False),
    Column("received_unix", Float),
    Column("page", Integer),
    Column("admitted", BigInteger, nullable=False, default=0),
    Column("admissions", Integer, nullable=False, default=0),
    Column("denied_rule", String(63), nullable=False, default=""),
    Column("folded", Boolean, nullable=False, default=False),
    Column("damaged", Boolean, nullable=False, default=False),
    Column("member", Boolean, nullable=False, default=False),
    Index("contributions_by_page", "study", "number", "page"),
)
"""One row a header. `entry_bytes` is its room on a page, `admitted` the bitmask of custodian
indices, `member` says it is in U."""

WRAPS: Final = Table(
    "wraps",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("client", String(63), primary_key=True),
    Column("custodian", Integer, primary_key=True),
    Column("wrap", LargeBinary, nullable=False),
)
"""Wraps on their way to the custodians, by manifest index; deleted when the round is filed."""

PAIR_TABLES: Final = Table(
    "pair_tables",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("client", String(63), primary_key=True),
    Column("pair_table", LargeBinary, nullable=False),
)
"""What clients said about their pairs (masking); deleted when the round is filed."""

AMENDMENTS: Final = Table(
    "amendments",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("operator", LargeBinary, nullable=False),
    Column("officer", LargeBinary),
    Column("since_round", Integer),
)
"""What was amended, signed; `since_round` is whose spec put it in force, null until then."""

HANDOVERS: Final = Table(
    "handovers",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("handed_to", LargeBinary, nullable=False),
)
"""What the closes of an ended round name: the amendment that seats another committee, or empty."""

OPERATOR_REQUESTS: Final = Table(
    "operator_requests",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("nonce", LargeBinary, primary_key=True),
    Column("action", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("signed", LargeBinary, nullable=False),
)
"""The operator's requests, each good once."""

REFUSALS: Final = Table(
    "refusals",
    METADATA,
    Column("study", String(63), primary_key=True),
    Column("custodian", String(63), primary_key=True),
    Column("request_digest", LargeBinary, primary_key=True),
    Column("rule", String(63), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("expected", Text, nullable=False),
)
"""Custodians' refusals, for the status; a repeated one is one row, 16 of a round are the most."""
