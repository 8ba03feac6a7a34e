"""A study in words and tables: what people read before they sign or join."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from blindsum_cli.console import out, say
from blindsum_cli.query_view import query_summary, query_table
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.identity import fingerprint
from blindsum_rules.anonymity import smallest_anonymity
from blindsum_rules.groups import VISIBLE, clients_of_group, group_count, largest_group
from blindsum_rules.manifest import DifferencingScope, Manifest, StudyKind
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.policy import PrivacyPolicy
from blindsum_rules.privacy.study_plan import study_plan
from blindsum_rules.quorum import liveness_note
from blindsum_rules.seal_parameters import seal_parameters


# Any: plain values of several kinds, for JSON.
def summary(manifest: Manifest, digest: str | None) -> dict[str, Any]:
    """The study as plain values for JSON."""
    return {
        "study": manifest.study,
        "digest": digest,
        "purpose": manifest.purpose,
        "permit": manifest.permit,
        "kind": manifest.kind.value,
        "seals": list(manifest.seals),
        "operator": manifest.operator.name,
        "officer": manifest.officer.name if manifest.officer else None,
        "aggregator": manifest.aggregator.name,
        "clients": [
            {"name": client.name, "organisation": client.organisation, "group": client.group}
            for client in manifest.clients
        ],
        "custodians": [custodian.name for custodian in manifest.custodians],
        "threshold": manifest.threshold,
        "quorum": manifest.quorum,
        "min_cohort": manifest.min_cohort,
        "min_organisations": manifest.min_organisations,
        "groups": group_count(manifest),
        "hidden": asdict(smallest_anonymity(manifest)),
        "model_values": manifest.layout.size,
        "queries": [query_summary(query) for query in manifest.queries],
        "max_rounds": manifest.schedule.max_rounds,
        "not_before": _date(manifest.not_before_unix),
        "not_after": _date(manifest.not_after_unix),
    }


def render(manifest: Manifest, digest: str | None) -> None:
    """Write the study to standard output as tables."""
    say(f"[bold]{manifest.study}[/]: {escape(manifest.purpose)}")
    say(f"permit: {escape(manifest.permit)}")
    say(f"digest: {digest or 'none yet: this is an unsigned draft'}")
    say(f"valid:  {_date(manifest.not_before_unix)} to {_date(manifest.not_after_unix)}")
    out.print(_parties(manifest))
    out.print(_rules(manifest))
    for query in manifest.queries:
        out.print(query_table(query))
    out.print(_who_sees_what(manifest))


def _date(unix: int) -> str:
    return datetime.fromtimestamp(unix, tz=UTC).isoformat()


def _parties(manifest: Manifest) -> Table:
    table = Table(title="Who takes part", title_justify="left")
    for column in ("role", "name", "organisation", "fingerprint: compare out of band"):
        table.add_column(column)
    singles = [("operator", manifest.operator), ("aggregator", manifest.aggregator)]
    if manifest.officer is not None:
        singles.append(("officer", manifest.officer))
    for role, party in singles:
        table.add_row(role, party.name, "", fingerprint(party.identity))
    in_groups = group_count(manifest) > 1
    for client in manifest.clients:
        role = f"client, group {client.group}" if in_groups else "client"
        table.add_row(role, client.name, client.organisation, fingerprint(client.identity))
    for custodian in manifest.custodians:
        table.add_row("custodian", custodian.name, "", fingerprint(custodian.identity))
    return table


def _rules(manifest: Manifest) -> Table:
    schedule = manifest.schedule
    custodians = len(manifest.custodians)
    table = Table(title="Rules", title_justify="left", show_header=False)
    rows = {
        "smallest sum": f"{manifest.min_cohort} clients of {manifest.min_organisations} "
        "organisations",
        "hidden": smallest_anonymity(manifest).in_words,
        "custodians": f"any {manifest.threshold} of {custodians} open, "
        f"{manifest.quorum} must sign; {_fewer(manifest.threshold - 1)} nothing",
        "availability": liveness_note(custodians, manifest.threshold, manifest.quorum),
        "rounds": f"at most {schedule.max_rounds}, each collects for "
        f"{schedule.accept_seconds + schedule.contribute_seconds} s at most, from its proposal",
        **_groups(manifest),
        "differencing": f"sets equal or disjoint within one {manifest.no_differencing.value}",
        **_model(manifest),
        **_codec(manifest),
        **_local(manifest),
    }
    for label, text in rows.items():
        table.add_row(label, text)
    for seal in manifest.seals:
        table.add_row(f"seal {seal}", _seal_note(manifest, seal))
    return table


def _model(manifest: Manifest) -> dict[str, str]:
    """What rounds are for."""
    if manifest.kind is StudyKind.STATISTIC:
        of_windows = manifest.no_differencing is DifferencingScope.VERSION
        binds = "; of queries whose windows overlap" if of_windows else ""
        return {"statistics": f"{len(manifest.queries)} queries, one after the other{binds}"}
    layout = manifest.layout
    text = f"{layout.size} values in {len(layout.arrays)} arrays, "
    return {"model": f"{text}update rule {manifest.update_rule}"}


def _codec(manifest: Manifest) -> dict[str, str]:
    """How integers are made, and what that promises."""
    codec, policy = manifest.codec, manifest.privacy
    if codec is not None:
        text = f"clip to {codec.clip_norm:g}, {codec.levels} levels, weights up to "
        return {"codec": f"{text}{codec.weight_cap} records; no differential privacy"}
    if policy is None:
        return {"codec": "whole numbers, exact; no differential privacy"}
    plan = study_plan(manifest)
    moves = "" if policy.adaptive is None else " at first, then as their counts move it"
    text = f"every {policy.unit} clipped to {policy.clip_norm:g}{moves}, {policy.levels} levels, "
    return {
        "codec": f"{text}up to {policy.units_per_client} a client{_divided(manifest)}",
        "privacy": f"{plan.guarantee}, over {policy.planned_rounds} rounds at their worst",
        "noise": f"each client adds {policy.mechanism} noise of deviation "
        f"{policy.share_variance**0.5:.4g} levels; together {plan.noise_multiplier:.4g} clip norms",
        **_cautions(manifest, policy),
    }


def _cautions(manifest: Manifest, policy: PrivacyPolicy) -> dict[str, str]:
    """What an officer should not sign without having seen it."""
    cautions = {}
    most_units = policy.units_per_client * len(manifest.clients)
    if policy.delta * most_units > 1:
        cautions["[yellow]delta[/]"] = (
            f"{policy.delta:g} over {most_units:,} units allows that one of them leaks whole: "
            f"below 1/{most_units:,} it does not"
        )
    of_gradients = policy.unit is not Unit.CLIENT and manifest.update_rule == "fedavg"
    if manifest.kind is StudyKind.MODEL and of_gradients:
        cautions["[yellow]fedavg[/]"] = (
            "adds the mean of what units send: rows must be steps, not gradients (fedsgd)"
        )
    return cautions


def _divided(manifest: Manifest) -> str:
    """What a sum is divided by; answers of statistics are sums."""
    if manifest.privacy is None or manifest.kind is StudyKind.STATISTIC:
        return ""
    return f"; sums over {manifest.privacy.reference_units}"


def _local(manifest: Manifest) -> dict[str, str]:
    """What travels of an update, and what clients keep or fit on their side."""
    rows = {}
    if manifest.sparsity is not None:
        kept, size = manifest.sparsity.kept, manifest.layout.size
        rows["compression"] = f"{manifest.sparsity.rule}: {kept:,} of {size:,} values travel"
    if manifest.local_methods:
        rows["local methods"] = ", ".join(manifest.local_methods)
    return rows


def _groups(manifest: Manifest) -> dict[str, str]:
    """How a study is split, what that shows, and what would show less."""
    count = group_count(manifest)
    if count == 1:
        return {}
    sizes = [len(clients_of_group(manifest, group)) for group in range(count)]
    return {
        "[yellow]groups[/]": f"{count} of {min(sizes):,} to {max(sizes):,} clients, a round each: "
        f"{VISIBLE}. The seal ckks needs no groups and is recommended above 1,000 clients"
    }


def _fewer(custodians: int) -> str:
    return "one alone learns" if custodians == 1 else f"{custodians} together learn"


def _seal_note(manifest: Manifest, seal: str) -> str:
    parameters = seal_parameters(manifest, seal, largest_group(manifest))
    size = f"{parameters.payload_bytes(manifest.vector_length):,} bytes a sealed vector"
    if isinstance(parameters, CkksParameters):
        return (
            f"{parameters.fields} fields of {parameters.field_bits} bits a coefficient, scale "
            f"2^{parameters.scale_bits}, {size}"
        )
    return f"{parameters.value_bits} bits a value, every two clients share a mask, {size}"


def _who_sees_what(manifest: Manifest) -> Table:
    table = Table(title="Who may see what", title_justify="left")
    for column in ("", "one update", "who took part", "the sum", "secrets"):
        table.add_column(column)
    below = manifest.threshold
    table.add_row("client", "its own", "from the certificate", "yes", "its own")
    table.add_row("aggregator", "sealed", "yes", "yes", "none")
    table.add_row(
        f"fewer than {below} custodians", "never, not even sealed", "yes", "no", "own seeds"
    )
    table.add_row("auditor", "never", "yes", "a salted commitment", "none")
    return table
