"""Whom the aggregator invites: everybody, unless an earlier sum forbids it.

Under one model version (under the whole study, if the manifest says so) two released sets must be
equal or disjoint. After such a freeze the next cohort is therefore either exactly its members, or
clients who stood in none.
"""

from collections.abc import Iterable, Sequence

from blindsum_crypto.errors import Refused
from blindsum_rules.differencing import EarlierFreeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.roster import organisations_of


def choose_cohort(
    manifest: Manifest,
    able: Sequence[str],
    earlier: Sequence[EarlierFreeze],
    number: int,
    *,
    repeat_first: bool,
) -> tuple[str, ...]:
    """The clients to invite, ascending.

    Args:
        manifest: The study's manifest.
        able: Who may be invited, ascending: the roster, or in a private study those of it who can
            still afford a round.
        earlier: The freezes that the new one must equal or avoid, by ascending round.
        number: The round to open; repetitions take the earlier sets in turn.
        repeat_first: Prefer an earlier set over new clients: right after a round that went well,
            wrong after one that a member spoiled.

    Raises:
        Refused: `no-differencing`, when earlier sets overlap each other (by an exception, or as
            sets that did not bind one another), or somebody of them has left, and too few clients
            stand outside of them: no set at all is allowed without an exception.
    """
    if not earlier:
        return tuple(able)
    used = frozenset[str]().union(*(freeze.clients for freeze in earlier))
    fresh = tuple(name for name in able if name not in used)
    if suffices(manifest, fresh) and not repeat_first:
        return fresh
    enrolled = frozenset(client.name for client in manifest.clients)
    sets = [one for one in _repeatable(earlier) if one <= enrolled]
    if sets:
        return tuple(sorted(sets[number % len(sets)]))
    if suffices(manifest, fresh):
        return fresh
    raise Refused(
        "no-differencing",
        "expected a set that may be repeated: the sums that bind this round overlap each other, or "
        "a client of theirs has left, so that every further one needs an exception of two hands",
    )


def _repeatable(earlier: Sequence[EarlierFreeze]) -> list[frozenset[str]]:
    """The earlier sets that every other one equals or avoids; each once, by ascending round."""
    sets = list(dict.fromkeys(freeze.clients for freeze in earlier))
    return [one for one in sets if all(one is other or one.isdisjoint(other) for other in sets)]


def suffices(manifest: Manifest, clients: Iterable[str]) -> bool:
    """Whether a sum over these clients could be released at all."""
    names = list(clients)
    organisations = len(organisations_of(manifest, names))
    return len(names) >= manifest.min_cohort and organisations >= manifest.min_organisations
