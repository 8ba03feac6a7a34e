"""The tables of a custodian's memory, all keyed by (study, round number), never by round id.

Two specs of one number have two round ids; the key is what makes the second one a conflict
(threats T3 and T10).
"""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, String, Table

SCHEMA_VERSION: Final = 4

METADATA: Final = MetaData()


def _round_key() -> tuple[Column[str], Column[int]]:
    return (
        Column("study", String, primary_key=True),
        Column("round_number", Integer, primary_key=True, autoincrement=False),
    )


BINDING: Final = Table(
    "binding",
    METADATA,
    Column("instance_id", String, primary_key=True),
    Column("schema_version", Integer, nullable=False),
    # Decisions committed so far; the instance file follows it (instance.py).
    Column("decisions", Integer, nullable=False),
    # The rule by which this memory was found to be incomplete; it signs nothing from then on.
    Column("halted", String),
)

STUDIES: Final = Table(
    "studies",
    METADATA,
    Column("study", String, primary_key=True),
    Column("manifest_digest", LargeBinary, nullable=False),
    Column("custodian", String, nullable=False),
)

ROUNDS: Final = Table(
    "rounds",
    METADATA,
    *_round_key(),
    Column("state", String, nullable=False),
    # Null for a round that was closed before its spec was ever seen.
    Column("round_id", LargeBinary),
    Column("spec", LargeBinary),
)

AMENDMENTS: Final = Table(
    "amendments",
    METADATA,
    Column("study", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The round whose spec put it in force: that round and all later ones are under it.
    Column("round_number", Integer, nullable=False),
    Column("amendment_digest", LargeBinary, nullable=False),
    Column("amendment", LargeBinary, nullable=False),
    # The same words as the privacy officer signed them; null where the study names none.
    Column("approval", LargeBinary),
)

PAGES: Final = Table(
    "pages",
    METADATA,
    *_round_key(),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("page_digest", LargeBinary, nullable=False),
)

HEADERS: Final = Table(
    "headers",
    METADATA,
    *_round_key(),
    Column("client", String, primary_key=True),
    Column("contribution_digest", LargeBinary, nullable=False),
    Column("core_digest", LargeBinary, nullable=False),
    # The wrap as it came, so that seeds never rest in clear; null when the client was denied.
    Column("wrap", LargeBinary),
)

FREEZES: Final = Table(
    "freezes",
    METADATA,
    *_round_key(),
    Column("freeze_digest", LargeBinary, primary_key=True),
    Column("model_version", Integer, nullable=False),
    Column("endorsed", Boolean, nullable=False),
    # The ids of its set, ascending, a line each, so that the rule against differencing parses no
    # freeze; and before it, for who reads a column of a row reads past all those in front of it.
    Column("clients", String, nullable=False),
    Column("freeze", LargeBinary, nullable=False),
)

EXCEPTIONS: Final = Table(
    "exceptions",
    METADATA,
    # The key alone makes it good once: an exception names its one round, and is used up by it.
    *_round_key(),
    # With both signatures, so that its holder can say for ever why it endorsed an overlap.
    Column("exception", LargeBinary, nullable=False),
)

CHARGES: Final = Table(
    "charges",
    METADATA,
    *_round_key(),
    Column("freeze_digest", LargeBinary, primary_key=True),
    # What the freeze costs each of its payers, in steps of 2^-40 nats.
    Column("steps", Integer, nullable=False),
    # Whether a quorum of closes that do not name the freeze gave it back.
    Column("freed", Boolean, nullable=False),
)

ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("study", String, primary_key=True),
    Column("payer", String, primary_key=True),
    # Sum of the charges that stand, so that no decision adds up all rounds again.
    Column("steps", Integer, nullable=False),
    Column("rounds", Integer, nullable=False),
)

CLOSES: Final = Table(
    "closes",
    METADATA,
    *_round_key(),
    Column("custodian", String, primary_key=True),
    # Part of the key: a custodian that closes a round twice, differently, is remembered twice.
    Column("close_digest", LargeBinary, primary_key=True),
    Column("close", LargeBinary, nullable=False),
)

ANSWERS: Final = Table(
    "answers",
    METADATA,
    *_round_key(),
    Column("step", String, primary_key=True),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("answer", LargeBinary, nullable=False),
)

EVIDENCE: Final = Table(
    "evidence",
    METADATA,
    *_round_key(),
    Column("digest", LargeBinary, primary_key=True),
    Column("rule", String, nullable=False),
    Column("message", LargeBinary, nullable=False),
)
