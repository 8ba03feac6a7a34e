"""Exit codes and the words that an error ends with: the rule, what was expected, the next step."""

from typing import Final

from blindsum_cli.console import err
from blindsum_crypto.errors import BlindsumError, Unavailable

DONE: Final = 0
RULE_BROKE: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3

NEXT_STEPS: Final = {
    "wrong-passphrase-or-damaged-key-file": "Try the passphrase again; restore the file from a backup if it is damaged.",
    "key-file-permissions": "chmod 600 the key file, and ask who could have read it meanwhile.",
    "key-file-exists": "Choose another name; a key file is never overwritten.",
    "manifest-digest": "Compare the digest with the operator out of band; do not go on until it fits.",
    "unsigned-manifest": "Ask the operator to run `blindsum study sign`.",
    "officer-approval": "Ask the privacy officer to run `blindsum study sign` on the signed manifest.",
    "manifest-expired": "Ask the operator for an amended study; an expired one opens no round.",
    "quorum-rule": "Use one of (m, t, quorum) = (4,2,3), (7,3,5) or (1,1,1).",
    "aggregator-unreachable": "Start `blindsum aggregator serve`, or correct --aggregator and the TLS options.",
    "instance-mismatch": "This store came from a backup. Enrol the custodian anew with new keys; see docs/runbook.md.",
    "own-min-cohort": "The study allows smaller cohorts than your own policy; talk to the operator or lower --min-cohort.",
    "collection-closed": "The round was frozen without you; the contribution stays sealed. Wait for the next round.",
}
"""What a person can do about a rule that broke; rules that need no advice are not listed."""


def report(error: BlindsumError) -> int:
    """Say on standard error which rule broke and what to do, and return the exit code."""
    word = type(error).__name__
    err.print(f"[bold red]{word}[/] [bold]{error.rule}[/]: {_escape(error.expected)}")
    step = NEXT_STEPS.get(error.rule)
    if step is not None:
        err.print(f"[dim]Next:[/] {_escape(step)}")
    return UNAVAILABLE if isinstance(error, Unavailable) else RULE_BROKE


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
