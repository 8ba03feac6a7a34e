"""Fields of identities and manifests that are altered one by one, and the field that is named."""

from typing import Any

from blindsum_rules.manifest import Manifest
from blindsum_rules.party import PartyIdentity

SHORT = bytes(31)
LONG = bytes(33)
YEAR_10000 = 253_402_300_800
COUNT_TOO_HIGH = 1 << 63
NAN = float("nan")
INFINITY = float("inf")
A = bytes([1]) * 32

# Kind, path of the field, what is put there, and the field that the error must name.
STUDY_FIELDS: list[tuple[type[Any], str, Any, str]] = [
    (PartyIdentity, "name", "", "IdentityBody.name"),
    (PartyIdentity, "role", "boss", "IdentityBody.role"),
    (PartyIdentity, "role", "client", "IdentityBody.agreement_key"),
    (PartyIdentity, "role", "operator", "IdentityBody.wrap_key"),
    (PartyIdentity, "identity", SHORT, "IdentityBody.identity"),
    (PartyIdentity, "agreement_key", A, "IdentityBody.agreement_key"),
    (PartyIdentity, "wrap_suite", "rot13", "IdentityBody.wrap_key"),
    (PartyIdentity, "wrap_suite", "mlkem768x25519", "IdentityBody.wrap_key"),
    (PartyIdentity, "wrap_key", LONG, "IdentityBody.wrap_key"),
    (Manifest, "purpose", "a\x1b[31mred", "ManifestBody.purpose"),
    (Manifest, "permit", "x" * 65_537, "ManifestBody.permit"),
    (Manifest, "kind", "poll", "ManifestBody.kind"),
    (Manifest, "seals", ["CKKS"], "ManifestBody.seals"),
    (Manifest, "operator.name", "", "ManifestBody.operator.name"),
    (Manifest, "operator.identity", LONG, "ManifestBody.operator.identity"),
    (Manifest, "officer.name", "a b", "ManifestBody.officer.name"),
    (Manifest, "aggregator.identity", b"", "ManifestBody.aggregator.identity"),
    (Manifest, "clients.0.organisation", "", "EnrolledClient.organisation"),
    (Manifest, "clients.1.identity", SHORT, "EnrolledClient.identity"),
    (Manifest, "clients.1.agreement_key", b"", "EnrolledClient.agreement_key"),
    (Manifest, "clients.0.name", "zzz", "ManifestBody.clients"),
    (Manifest, "clients.0.name", "cleveland", "ManifestBody.clients"),
    (Manifest, "custodians.0.name", "k9", "ManifestBody.custodians"),
    (Manifest, "custodians.0.identity", SHORT, "EnrolledCustodian.identity"),
    (Manifest, "custodians.0.wrap_key", SHORT, "EnrolledCustodian.wrap_key"),
    (Manifest, "codec.clip_norm", NAN, "Codec"),
    (Manifest, "codec.levels", 0, "Codec"),
    (Manifest, "codec.weight_cap", COUNT_TOO_HIGH, "Codec.weight_cap"),
    (Manifest, "codec.weight_scale", -0.0, "Codec"),
    (Manifest, "layout.0.name", "", "NamedArray.name"),
    (Manifest, "layout.0.shape", [13, 0], "NamedArray.shape"),
    (Manifest, "layout.0.shape", [1] * 33, "NamedArray.shape"),
    (Manifest, "initial_model_digest", b"", "ManifestBody.initial_model_digest"),
    (Manifest, "update_rule", "", "ManifestBody.update_rule"),
    (Manifest, "server_learning_rate", NAN, "ManifestBody.server_learning_rate"),
    (Manifest, "server_learning_rate", INFINITY, "ManifestBody.server_learning_rate"),
    (Manifest, "server_learning_rate", 0.0, "ManifestBody.server_learning_rate"),
    (Manifest, "no_differencing", "never", "ManifestBody.no_differencing"),
    (Manifest, "not_before_unix", -1, "ManifestBody.not_before_unix"),
    (Manifest, "not_after_unix", YEAR_10000, "ManifestBody.not_after_unix"),
]
