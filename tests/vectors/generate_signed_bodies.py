"""Known answers for every signed body: its bytes, digest and signature, and four that fail.

Run `python tests/vectors/generate_signed_bodies.py`; it writes signed_bodies.json beside itself.
The signer's key is the SHA-256 of a fixed text, so the file is the same on every run.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.identity import Identity
from blindsum_protos.convert.bodies import form_of
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, Denial, HeaderPage
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.header import Contribution, CoreHeader
from blindsum_rules.manifest import (
    Approval,
    DifferencingScope,
    EnrolledClient,
    EnrolledCustodian,
    Manifest,
    Party,
    Schedule,
    StudyKind,
)
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.receipt import Receipt
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import PartRelease, Release
from blindsum_rules.requests import Call, OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed, signing_input
from blindsum_rules.spec import PreviousRound, Spec, SpecKind

VECTORS: Final = Path(__file__).with_name("signed_bodies.json")
SIGNER: Final = "signer"
STUDY: Final = "heart"
ROUND: Final = 7
NOW_UNIX: Final = 1_780_000_000
UNKNOWN_FIELD: Final = bytes.fromhex("c03e01")  # field 1000, varint 1


def seed(label: str) -> bytes:
    """32 bytes that stand for a key, digest or commitment; the same for the same label."""
    return hashlib.sha256(f"blindsum known answers: {label}".encode()).digest()


IDENTITY: Final = Identity(seed("signer"))
MANIFEST: Final = seed("manifest")
OTHER_IDENTITY: Final = Identity(seed("somebody else"))


def manifest() -> Manifest:
    """Four hospitals, four custodians, one officer."""
    hospitals = ("budapest", "cleveland", "long-beach", "zurich")
    return Manifest(
        study=STUDY,
        purpose="Predict disease from records that stay where they are.\nOne model for all.",
        permit="Ethics vote 2026-114",
        kind=StudyKind.MODEL,
        seals=("ckks",),
        operator=Party("operator", seed("operator")),
        officer=Party("officer", seed("officer")),
        aggregator=Party("aggregator", seed("aggregator")),
        clients=tuple(
            EnrolledClient(name, f"org-{name}", seed(f"{name} id"), seed(f"{name} agreement"))
            for name in hospitals
        ),
        custodians=tuple(
            EnrolledCustodian(f"k{n}", seed(f"k{n} id"), "x25519", seed(f"k{n} wrap"))
            for n in range(4)
        ),
        threshold=2,
        quorum=3,
        min_cohort=3,
        min_organisations=3,
        codec=codec(),
        layout=Layout((NamedArray("fc.weight", (13, 8)), NamedArray("t", ()))),
        initial_model_digest=seed("model"),
        update_rule="fedavg",
        server_learning_rate=1.0,
        schedule=Schedule(40, 60, 600, 300, 0, 0),
        no_differencing=DifferencingScope.VERSION,
        not_before_unix=NOW_UNIX - 86_400,
        not_after_unix=NOW_UNIX + 86_400,
    )


def amendment() -> Amendment:
    """One joins, one rotates, one leaves, two are revoked, and k4 sits in the place of k3."""
    key = seed("zurich second agreement")
    joined = EnrolledClient("basel", "org-basel", seed("basel id"), seed("basel agreement"))
    rotated = replace(manifest().clients[3], agreement_key=key)
    seated = EnrolledCustodian("k4", seed("k4 id"), "x25519", seed("k4 wrap"))
    committee = NewCommittee((*manifest().custodians[:3], seated), 2, 3)
    lists = (joined,), (rotated,), ("budapest",), ("k3", "long-beach")
    return Amendment(STUDY, 1, MANIFEST, "Basel joins, k3 retires", *lists, committee)


def codec() -> Codec:
    """The codec of the study."""
    return Codec(clip_norm=1.5, levels=8_191, weight_cap=300, weight_scale=0.75)


def close(custodian: str) -> Close:
    """A close that names a freeze and leaves the round to another committee."""
    return Close(STUDY, ROUND - 1, seed("freeze before"), custodian, MANIFEST, seed("k4 seated"))


def endorsement(custodian: str) -> Endorsement:
    """An endorsement of the round before."""
    return Endorsement(STUDY, ROUND - 1, seed("round before"), seed("freeze before"), custodian)


def spec() -> Spec:
    """A round that builds on a published one."""
    return Spec(
        study=STUDY,
        kind=SpecKind.ROUND,
        round_number=ROUND,
        amendment_digest=sign(amendment(), "operator", IDENTITY).digest,
        epoch=1,
        model_version=5,
        model_digest=seed("model five"),
        previous=PreviousRound(seed("round before"), seed("freeze before"), seed("commitment")),
        closes=tuple(sign(close(k), k, Identity(seed(k))) for k in ("k0", "k1", "k2")),
        endorsements=tuple(sign(endorsement(k), k, Identity(seed(k))) for k in ("k0", "k1", "k2")),
        vector_length=114,
        seal="ckks",
        parameters=CkksParameters(scale_bits=10, field_bits=16, fields=3, set_name="A"),
        codec=codec(),
        cohort=("budapest", "cleveland", "long-beach"),
        min_cohort=3,
        wrap_key_digests=tuple(seed(f"k{n} wrap digest") for n in range(4)),
        contribute_deadline_unix=NOW_UNIX,
        release_deadline_unix=NOW_UNIX + 300,
        amendments=(SignedAmendment(sign(amendment(), "operator", IDENTITY)),),
    )


def contribution() -> Contribution:
    """A contribution's signed header."""
    core = CoreHeader(
        study=STUDY,
        round_number=ROUND,
        round_id=seed("round"),
        client="cleveland",
        seal="ckks",
        payload_digest=seed("payload"),
        payload_bytes=61_440,
        seed_commitments=tuple(seed(f"commitment {n}") for n in range(4)),
    )
    wraps = tuple(seed(f"wrap {n}") for n in range(4))
    return Contribution(core=core, core_bytes=core_header_bytes(core), wrap_digests=wraps)


def freeze() -> Freeze:
    """Three of four are in U."""
    names = ("budapest", "cleveland", "long-beach")
    return Freeze(
        study=STUDY,
        round_number=ROUND,
        round_id=seed("round"),
        members=tuple(Member(name, seed(f"{name} header")) for name in names),
        root=seed("root"),
        left_out=(LeftOut("zurich", seed("zurich header"), "bad-wrap"),),
    )


def certificate() -> Certificate:
    """The certificate of the round."""
    return Certificate(
        study=STUDY,
        round_number=ROUND,
        round_id=seed("round"),
        acceptance_digests=tuple(sorted(seed(f"acceptance {n}") for n in range(3))),
        contribution_digests=tuple(seed(f"header {n}") for n in range(4)),
        page_digests=(seed("page"),),
        admission_digests=tuple(seed(f"admission {n}") for n in range(4)),
        freeze_digest=seed("freeze"),
        endorsement_digests=tuple(sorted(seed(f"endorsement {n}") for n in range(3))),
        exception_digest=b"",
        release_digests=tuple(sorted(seed(f"release {n}") for n in range(2))),
        sealed_sum_root=seed("sealed sum"),
        aggregate_commitment=seed("aggregate"),
        opened_by=("k0", "k2"),
        disagreeing=(),
    )


def examples() -> Mapping[type[Any], Any]:
    """One value of every signed kind."""
    here = (STUDY, ROUND, seed("round"))
    nonce = seed("nonce")[:16]
    denials = (Denial("zurich", seed("header 3"), "bad-wrap"),)
    parts = (PartRelease(1, seed("s1")), PartRelease(4, seed("s4")))
    values = (
        PartyIdentity("k0", Role.CUSTODIAN, seed("k0"), b"", "x25519", seed("k0 wrap")),
        manifest(),
        Approval(STUDY, MANIFEST),
        amendment(),
        DifferencingException(STUDY, ROUND, 5, ("budapest", "zurich"), "Withdrawn", MANIFEST),
        spec(),
        Acceptance(*here, SIGNER),
        close(SIGNER),
        contribution(),
        Receipt(*here, "cleveland", seed("header"), NOW_UNIX),
        HeaderPage(*here, 0, (seed("header 1"), seed("header 0"))),
        Admission(*here, 0, seed("page root"), denials, SIGNER),
        freeze(),
        Endorsement(*here, seed("freeze"), SIGNER),
        Release(*here, seed("freeze"), 1, parts, SIGNER),
        certificate(),
        Abort(*here, b"", "min-cohort", "expected 3 contributions, got 2"),
        Refusal(STUDY, seed("request"), "refused", "no-differencing", "expected equal or disjoint"),
        OperatorRequest(STUDY, OperatorAction.OPEN_ROUND, ROUND, "go", NOW_UNIX, nonce, MANIFEST),
        Call(STUDY, "aggregator", "/blindsum.v1.Aggregator/NextRound", NOW_UNIX, nonce),
    )
    return {type(value): value for value in values}


def first_field_again(signed: Signed[Any]) -> bytes:
    """The body's bytes with field 1 written twice: the same value to a lenient reader."""
    message = form_of(type(signed.body)).to_message(signed.body)
    name = message.DESCRIPTOR.fields_by_number[1].name
    alone = type(message)(**{name: getattr(message, name)})
    return bytes(alone.SerializeToString()) + signed.body_bytes


def group(signed: Signed[Any]) -> dict[str, Any]:
    """The tests of one kind: the answer, then four that a receiver must reject."""
    domain = signed.body.DOMAIN
    flipped = bytes([signed.signature[0] ^ 1]) + signed.signature[1:]
    unknown = signed.body_bytes + UNKNOWN_FIELD
    again = first_field_again(signed)
    body_alone = IDENTITY.sign(signed.body_bytes)

    def signature(body: bytes) -> bytes:
        return IDENTITY.sign(signing_input(domain, body))

    cases = (
        ("the answer", signed.body_bytes, signed.signature, ""),
        ("one bit of the signature flipped", signed.body_bytes, flipped, "bad-signature"),
        ("signed without the domain", signed.body_bytes, body_alone, "bad-signature"),
        ("a field that version 1 does not know", unknown, signature(unknown), "unknown-field"),
        ("field 1 written twice", again, signature(again), "not-canonical"),
    )
    return {
        "message": form_of(type(signed.body)).message.DESCRIPTOR.full_name,
        "domain": domain,
        "tests": [
            {
                "tcId": number,
                "comment": comment,
                "body": body.hex(),
                "signature": signature_bytes.hex(),
                "digest": "" if rule else signed.digest.hex(),
                "result": "invalid" if rule else "valid",
                "rule": rule,
            }
            for number, (comment, body, signature_bytes, rule) in enumerate(cases, start=1)
        ],
    }


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    groups = [group(sign(value, SIGNER, IDENTITY)) for value in examples().values()]
    return {
        "algorithm": "Blindsum signed bodies, version 1: Ed25519 over domain and body",
        "provenance": "tests/vectors/generate_signed_bodies.py; tests check digests and signatures "
        "with hashlib and pycryptodome by the words of signed.proto",
        "signer": SIGNER,
        "privateKey": IDENTITY.private.hex(),
        "publicKey": IDENTITY.public.hex(),
        "numberOfTests": sum(len(each["tests"]) for each in groups),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
