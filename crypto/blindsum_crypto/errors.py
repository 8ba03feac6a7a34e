"""The one error tree of Blindsum.

BlindsumError            every error that Blindsum raises on purpose
├── Refused              policy says no: the request is well formed and is not allowed
├── Rejected             malformed: bytes, lengths, signatures or digests do not fit
├── Aborted              the round ends without an aggregate
└── Unavailable          what is needed now cannot be had now; trying again may help

Each error names the rule that broke, in kebab-case, and says what was expected. It never
carries a secret or a value of a vector.
"""


class BlindsumError(Exception):
    """A rule broke.

    Args:
        rule: The rule's name in kebab-case, the same word in code, wire, logs and documents.
        expected: One sentence on what was expected, without secrets and without vector values.
    """

    def __init__(self, rule: str, expected: str) -> None:
        super().__init__(f"{rule}: {expected}")
        self.rule = rule
        self.expected = expected


class Refused(BlindsumError):  # noqa: N818 - a word of the protocol
    """Policy says no."""


class Rejected(BlindsumError):  # noqa: N818 - a word of the protocol
    """The bytes, lengths, signatures or digests do not fit."""


class Aborted(BlindsumError):  # noqa: N818 - a word of the protocol
    """The round ends without an aggregate."""


class Unavailable(BlindsumError):  # noqa: N818 - a word of the protocol
    """What is needed cannot be had now; trying again may help."""
