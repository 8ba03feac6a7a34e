"""What a broken rule becomes: words, a next step, an exit code; never a traceback."""

import pytest

from blindsum_cli.console import printable
from blindsum_cli.exits import NEXT_STEPS, RULE_BROKE, UNAVAILABLE, report
from blindsum_crypto.errors import Aborted, BlindsumError, Refused, Rejected, Unavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("quorum-rule", "expected more"), RULE_BROKE),
        (Rejected("bad-signature", "expected another"), RULE_BROKE),
        (Aborted("gate", "expected a sum"), RULE_BROKE),
        (Unavailable("aggregator-unreachable", "expected an answer"), UNAVAILABLE),
    ],
)
def test_an_error_says_its_kind_its_rule_and_what_was_expected(
    error: BlindsumError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error) == code

    shown = capsys.readouterr()
    assert shown.out == ""
    for words in (type(error).__name__, error.rule, error.expected):
        assert words in shown.err


def test_a_rule_with_advice_ends_with_the_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    report(Refused("manifest-digest", "expected another"))

    assert f"Next: {NEXT_STEPS['manifest-digest']}" in capsys.readouterr().err


def test_what_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    report(Refused("study-toml", "expected [codec] and [/schedule], got [bold]"))

    assert "expected [codec] and [/schedule], got [bold]" in capsys.readouterr().err


def test_a_long_sentence_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "expected " + "so many words " * 40

    report(Rejected("layout", sentence.strip()))

    assert sentence.strip() in capsys.readouterr().err


def test_what_another_party_wrote_moves_no_cursor() -> None:
    assert printable("\x1b[2Jgone\n[bold]x") == "?[2Jgone?[bold]x"
