"""An amendment in words, for who signs it, for who is told of it, and for the auditor's report."""

from collections.abc import Sequence
from typing import Final

from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.manifest import Manifest

_MOST_NAMES: Final = 10


def changes_in_words(amendment: Amendment, before: Manifest) -> list[str]:
    """What an amendment changes, one sentence a change; a long list of clients is cut short.

    Args:
        amendment: What it says.
        before: The words in force until then.
    """
    custodians = {one.name for one in before.custodians}
    clients = [name for name in amendment.revoked if name not in custodians]
    joined = [f"{one.name} of {one.organisation}" for one in amendment.joined]
    changes = [
        _one(joined, "joins", "join"),
        _one([one.name for one in amendment.rotated], "has a new agreement key", "have new ones"),
        _one(amendment.left, "leaves", "leave"),
        _one(
            clients, "is revoked, its keys count no longer", "are revoked, their keys count no more"
        ),
        _one(
            [name for name in amendment.revoked if name in custodians],
            "is revoked as custodian",
            "are revoked as custodians",
        ),
    ]
    if amendment.committee is not None:
        changes.append(_committee(amendment.committee, before))
    return [change for change in changes if change]


def signers_in_words(amendment: SignedAmendment) -> str:
    """Whose hands are on it."""
    hands = [f"operator {amendment.operator.signer!r}"]
    if amendment.officer is not None:
        hands.append(f"officer {amendment.officer.signer!r}")
    return " and ".join(hands)


def _committee(new: NewCommittee, before: Manifest) -> str:
    known = {one.name: one for one in before.custodians}
    names = {one.name for one in new.custodians}
    arriving = [one.name for one in new.custodians if one.name not in known]
    rewrapped = [
        one.name
        for one in new.custodians
        if one.name in known and known[one.name].wrap_key != one.wrap_key
    ]
    details = [
        _one(arriving, "is new", "are new"),
        _one([name for name in known if name not in names], "gives up its seat", "give up theirs"),
        _one(rewrapped, "has a new wrap key", "have new wrap keys"),
    ]
    return (
        f"the custodians are {_names(sorted(names))}, of whom any {new.threshold} open and "
        f"{new.quorum} must sign: {'; '.join(one for one in details if one) or 'other numbers'}"
    )


def _one(names: Sequence[str], singular: str, plural: str) -> str:
    if not names:
        return ""
    return f"{_names(names)} {singular if len(names) == 1 else plural}"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
