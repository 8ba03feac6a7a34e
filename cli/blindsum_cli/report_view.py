"""An audit's report in words and tables: what held, what failed, what nobody can see here."""

from collections.abc import Iterable
from typing import Final

from rich.markup import escape
from rich.table import Table

from blindsum_auditor.privacy_account import PrivacyAccount
from blindsum_auditor.report import Finding, Report, Status
from blindsum_cli.console import out, say

_SPENDERS_SHOWN: Final = 10
_STYLES = {Status.OK: "green", Status.FAILED: "bold red", Status.NOT_CHECKABLE: "yellow"}


def render(report: Report, *, show_all: bool = False) -> None:
    """Write a report to standard output.

    Args:
        report: What the auditor found.
        show_all: Every finding, and not only those that are not ok.
    """
    say(f"study     [bold]{escape(report.study) or 'unreadable'}[/]")
    say(f"manifest  {report.manifest_digest.hex() or 'unreadable'}")
    say(f"checked   {report.rounds} rounds up to the level {report.level.value}")
    say(f"privacy   {escape(report.privacy_in_words)}")
    say(f"hidden    {escape(report.anonymity_in_words)}")
    say(f"amended   {escape(report.amendments_in_words)}")
    for amendment in report.amendments:
        say(f"          {escape(amendment.in_words)}")
    for exception in report.exceptions:
        say(f"[yellow]exception[/] {escape(exception.in_words)}")
    out.print(_by_check(report.findings))
    if report.privacy is not None:
        out.print(_spent(report.privacy))
        out.print(_against(report.privacy))
    shown = [one for one in report.findings if show_all or one.status is not Status.OK]
    for finding in shown:
        say(_line(finding))
    say("What no transcript can show:")
    for limit in report.limits:
        say(f"  - {escape(limit)}")
    say(_verdict(report))


def _by_check(findings: Iterable[Finding]) -> Table:
    counts: dict[tuple[str, str], dict[Status, int]] = {}
    for finding in findings:
        row = counts.setdefault((finding.check, finding.level.value), dict.fromkeys(Status, 0))
        row[finding.status] += 1
    table = Table(title="What was checked", title_justify="left")
    table.add_column("check")
    table.add_column("level")
    for status in Status:
        table.add_column(status.value.replace("-", " "), justify="right")
    for (check, level), row in counts.items():
        table.add_row(check, level, *(_count(status, row[status]) for status in Status))
    return table


def _spent(account: PrivacyAccount) -> Table:
    """The promise, and who has spent most of it."""
    promise = account.promise
    table = Table(title="Privacy, recomputed from what was deployed", title_justify="left")
    for column in ("charged to", "rounds", "epsilon"):
        table.add_column(column, justify="left" if column == "charged to" else "right")
    for spender in account.spenders[:_SPENDERS_SHOWN]:
        table.add_row(spender.name, f"{spender.rounds}", f"{spender.epsilon:.4g}")
    rest = len(account.spenders) - _SPENDERS_SHOWN
    if rest > 0:
        table.add_row(f"and {rest:,} more, who spent no more", "", "")
    table.add_section()
    planned = f"{account.planned_rounds} at their worst"
    table.add_row(f"the promise, delta {promise.delta:g}", planned, f"{promise.epsilon:.4g}")
    table.caption = (
        f"{account.mechanism} noise, together {account.noise_multiplier:.4g} clip norms; shares "
        f"of {account.honest_shares} clients count; order {account.order}"
    )
    table.caption_justify = "left"
    return table


def _against(account: PrivacyAccount) -> Table:
    title = f"Promise of the whole study, {account.promise.relation} of one {account.promise.unit}"
    table = Table(title=title, title_justify="left")
    table.add_column("colluding organisations", justify="right")
    table.add_column("epsilon", justify="right")
    for guarantee in account.against:
        table.add_row(f"{guarantee.colluders:,}", f"{guarantee.epsilon:.4g}")
    table.add_row("more", "none: no noise is left")
    return table


def _count(status: Status, count: int) -> str:
    return f"[{_STYLES[status]}]{count}[/]" if count else "·"


def _line(finding: Finding) -> str:
    status = f"[{_STYLES[finding.status]}]{finding.status.value}[/]"
    # Where a check failed, its sentence begins with the rule, which may be called as the check is.
    sentence = finding.sentence.removeprefix(f"{finding.check}: ")
    return f"{status}  {escape(finding.file)}  {finding.check}: {escape(sentence)}"


def _verdict(report: Report) -> str:
    if not report.accepted:
        checks = "check" if len(report.failed) == 1 else "checks"
        return f"[bold red]refused[/]: {len(report.failed)} {checks} failed"
    ended = "the study has ended" if report.ended else "the study has not ended"
    open_ends = len(report.not_checkable)
    were = "was" if open_ends == 1 else "were"
    return f"[bold green]accepted[/]: no check failed, {open_ends} {were} not checkable, {ended}"
