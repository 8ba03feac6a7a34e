"""The studies that a custodian serves, each by one manifest and one seat from the start on."""

import hmac

from sqlalchemy import insert, select

from blindsum_crypto.errors import Refused
from blindsum_custodian.store.database import Store
from blindsum_custodian.store.tables import STUDIES
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed


def bind_study(store: Store, manifest: Signed[Manifest], custodian: str) -> None:
    """Remember the manifest of a study, or check that it is the remembered one.

    What was decided in a study was decided under its manifest: the same id under another manifest
    would find rounds and freezes that it knows nothing of.

    Raises:
        Refused: `manifest-changed`, when another manifest or seat is remembered.
    """
    study = manifest.body.study
    with store.reading() as connection:
        row = connection.execute(select(STUDIES).where(STUDIES.c.study == study)).one_or_none()
    if row is None:
        with store.decision() as connection:
            connection.execute(
                insert(STUDIES).values(
                    study=study, manifest_digest=manifest.digest, custodian=custodian
                )
            )
        return
    if not hmac.compare_digest(row.manifest_digest, manifest.digest) or row.custodian != custodian:
        raise Refused(
            "manifest-changed", f"expected the manifest and the seat that {study!r} began with"
        )
