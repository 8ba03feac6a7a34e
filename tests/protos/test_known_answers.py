"""The known answers hold, by the product's code and by the words of signed.proto alone."""

import hashlib
import json
from types import ModuleType
from typing import Any

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from blindsum_crypto.errors import Rejected
from blindsum_protos.convert.bodies import BODY_FORMS
from blindsum_protos.convert.signed import open_signed
from blindsum_protos.v1 import signed_pb2
from blindsum_rules.close import Close


@pytest.fixture(scope="module")
def answers(known_answers: ModuleType) -> dict[str, Any]:
    """The file."""
    found: dict[str, Any] = json.loads(known_answers.VECTORS.read_text(encoding="utf-8"))
    return found


def prefixed(data: bytes) -> bytes:
    """u64be(len(data)) ‖ data, as signed.proto says."""
    return len(data).to_bytes(8, "big") + data


def test_the_script_writes_the_file_that_is_there(known_answers: ModuleType) -> None:
    assert known_answers.VECTORS.read_text(encoding="utf-8") == known_answers.render()


def test_there_is_a_group_for_every_signed_kind(answers: dict[str, Any]) -> None:
    names = [group["message"] for group in answers["testGroups"]]

    assert sorted(names) == sorted(
        form.message.DESCRIPTOR.full_name for form in BODY_FORMS.values()
    )
    assert answers["numberOfTests"] == sum(len(g["tests"]) for g in answers["testGroups"])


def test_every_answer_opens_and_every_other_is_rejected_by_its_rule(
    answers: dict[str, Any],
) -> None:
    kinds = {form.message.DESCRIPTOR.full_name: kind for kind, form in BODY_FORMS.items()}
    signers = {answers["signer"]: bytes.fromhex(answers["publicKey"])}

    for group in answers["testGroups"]:
        kind = kinds[group["message"]]
        for test in group["tests"]:
            message = signed_pb2.Signed(
                body=bytes.fromhex(test["body"]),
                signer=answers["signer"],
                signature=bytes.fromhex(test["signature"]),
            )
            if test["result"] == "valid":
                assert open_signed(kind, message, signers).digest.hex() == test["digest"]
                continue
            with pytest.raises(Rejected) as caught:
                open_signed(kind, message, signers)
            assert caught.value.rule == test["rule"]


def test_signatures_and_digests_follow_the_words_of_signed_proto(answers: dict[str, Any]) -> None:
    """By hashlib and pycryptodome, so that the product does not answer for itself."""
    key = eddsa.import_private_key(bytes.fromhex(answers["privateKey"]))
    signer = eddsa.new(key, "rfc8032")

    for group in answers["testGroups"]:
        domain = prefixed(group["domain"].encode())
        answer = group["tests"][0]
        body = bytes.fromhex(answer["body"])
        assert signer.sign(domain + body).hex() == answer["signature"]
        assert hashlib.sha256(domain + prefixed(body)).hexdigest() == answer["digest"]


def test_the_public_key_belongs_to_the_private_one(answers: dict[str, Any]) -> None:
    key: ECC.EccKey = eddsa.import_private_key(bytes.fromhex(answers["privateKey"]))

    assert key.public_key().export_key(format="raw").hex() == answers["publicKey"]


def test_a_close_is_spelt_as_one_would_by_hand(
    answers: dict[str, Any], known_answers: ModuleType
) -> None:
    group = next(g for g in answers["testGroups"] if g["message"] == "blindsum.v1.CloseBody")
    by_hand = (
        bytes.fromhex("0a05") + b"heart"  # field 1, length-delimited
        + bytes.fromhex("1006")  # field 2, varint 6
        + bytes.fromhex("1a20") + known_answers.seed("freeze before")  # field 3
        + bytes.fromhex("2206") + b"signer"  # field 4
        + bytes.fromhex("2a20") + known_answers.seed("manifest")  # field 5
        + bytes.fromhex("3220") + known_answers.seed("k4 seated")  # field 6
    )  # fmt: skip

    assert group["tests"][0]["body"] == by_hand.hex()
    assert group["domain"] == Close.DOMAIN == "blindsum/v1/close"
