"""Counts of a client's own units, without noise: for its own terminal, and for no file."""

import sys
from typing import TYPE_CHECKING

from blindsum_cli.console import note

if TYPE_CHECKING:
    from blindsum_rules.codec.units import UnitReport


def tell_own_counts(report: "UnitReport") -> None:
    """Write the counts to standard error if that is a terminal, else nothing.

    They are exact. A log is kept, copied and collected, and each copy would be a release of its own
    that no budget pays for; so they never meet the logger, nor a stream that goes into a file.
    """
    if not sys.stderr.isatty():
        return
    note(
        f"[bold]private, yours alone[/]: {report.units} units summed, {report.clipped} of them "
        f"clipped, {report.non_finite} not finite and zero, {report.left_out} beyond the most of a "
        "client and left out; without noise: pass them on to nobody"
    )
