"""A custodian's ledger read by people: from the file alone, while it attends or while it does not.

Nothing is changed and the instance is not taken, so this never stands in a custodian's way.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import DatabaseError

from blindsum_crypto.errors import Refused
from blindsum_custodian.store.charges import stored_accounts
from blindsum_custodian.store.tables import BINDING, SCHEMA_VERSION, STUDIES
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.charging import Charging


def read_accounts(
    store_path: Path, manifest: Manifest, manifest_digest: bytes
) -> tuple[Account, ...]:
    """The accounts of everybody who may be charged in a study, ascending.

    Args:
        store_path: The SQLite file of the custodian's memory.
        manifest: The study's manifest, as it is amended.
        manifest_digest: Its digest, 32 bytes.

    Raises:
        Refused: `not-private`, when the study has no budget; `custodian-store`, when the file is
            no custodian's memory; `store-schema`; `manifest-changed`, when the custodian attended
            no study of this manifest.
    """
    charging = Charging.of(manifest)
    with _opened(store_path) as connection:
        pinned = connection.scalar(
            select(STUDIES.c.manifest_digest).where(STUDIES.c.study == manifest.study)
        )
        if pinned is None or not hmac.compare_digest(pinned, manifest_digest):
            raise Refused(
                "manifest-changed",
                f"expected a custodian that attended {manifest.study!r} under this manifest",
            )
        stored = {one.payer: one for one in stored_accounts(connection, manifest.study)}
    # Who left the study keeps the account; who is enrolled and paid nothing yet has one too.
    everybody = charging.payers_of(charging.organisations) | stored.keys()
    return tuple(
        charging.account(payer, stored[payer].steps, rounds=stored[payer].rounds)
        if payer in stored
        else charging.account(payer)
        for payer in sorted(everybody)
    )


@contextmanager
def _opened(store_path: Path) -> Iterator[Connection]:
    file = store_path.absolute()
    engine = create_engine(f"sqlite:///file:{quote(str(file))}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            try:
                version = connection.scalar(select(BINDING.c.schema_version))
            except DatabaseError:
                version = None
            if version is None:
                raise Refused(
                    "custodian-store", f"expected the memory of a custodian, got {store_path}"
                )
            if version != SCHEMA_VERSION:
                raise Refused("store-schema", f"expected schema {SCHEMA_VERSION}, got {version}")
            yield connection
    except DatabaseError:
        raise Refused(
            "custodian-store", f"expected the memory of a custodian, got {store_path}"
        ) from None
    finally:
        engine.dispose()
