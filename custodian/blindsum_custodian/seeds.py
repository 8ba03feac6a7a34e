"""A custodian's seeds of one client: in memory while they are used, at rest only in their wrap."""

from blindsum_crypto.custody import CustodySeeds, decode_seeds, wrap_info
from blindsum_custodian.seat import Seat


def open_wrap(seat: Seat, epoch: int, core_digest: bytes, wrap: bytes) -> CustodySeeds:
    """Open the wrap of one client's seeds.

    Args:
        seat: The custodian.
        epoch: The epoch of the wrap key.
        core_digest: Digest of the core header that the wrap is bound to, 32 bytes.
        wrap: The HPKE wrap.

    Raises:
        Rejected: `bad-wrap`, when it was made for another custodian, header or epoch, or changed;
            `seeds-length`, when it does not hold one seed for every part of this custodian.
    """
    info = wrap_info(seat.study, epoch, seat.name, core_digest)
    return decode_seeds(seat.parts, seat.wrap_key.unwrap(info, wrap))
