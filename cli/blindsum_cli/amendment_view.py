"""Amendments for people: what each changes, since when keys are new, and whose hands are on it."""

from itertools import pairwise
from typing import Any

from rich.markup import escape

from blindsum_cli.console import say
from blindsum_protos.convert.manifest import ManifestFile
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment_words import changes_in_words, signers_in_words


def worded(file: ManifestFile) -> list[AmendedManifest]:
    """The study as it was signed, and as each amendment of the file words it; hands unchecked.

    Raises:
        Refused, Rejected: what `AmendedManifest.as_worded` raises.
    """
    steps = [AmendedManifest(file.manifest)]
    for amendment in file.amendments:
        steps.append(steps[-1].as_worded((amendment,)))
    return steps


# Any: plain values of several kinds, for JSON.
def amendment_summaries(steps: list[AmendedManifest]) -> list[dict[str, Any]]:
    """Every amendment as plain values for JSON."""
    return [
        {
            "number": after.number,
            "epoch": after.epoch,
            "reason": after.amendments[-1].body.reason,
            "signed_by": signers_in_words(after.amendments[-1]),
            "signed_by_all": not lacks_officer(after),
            "changes": changes_in_words(after.amendments[-1].body, before.body),
        }
        for before, after in pairwise(steps)
    ]


def lacks_officer(amended: AmendedManifest) -> bool:
    """Whether the officer, whom the manifest names, has not signed the last amendment."""
    return amended.body.officer is not None and amended.amendments[-1].officer is None


def render_amendments(steps: list[AmendedManifest]) -> None:
    """Write every amendment to standard output."""
    for one in amendment_summaries(steps):
        hands = one["signed_by"]
        missing = "" if one["signed_by_all"] else ", [yellow]not yet by the officer[/]"
        say(
            f"[bold]amendment {one['number']}[/], epoch {one['epoch']}, signed by "
            f"{escape(hands)}{missing}: {escape(one['reason'])}"
        )
        for change in one["changes"]:
            say(f"  - {escape(change)}")
