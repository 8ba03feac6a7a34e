"""Options that several commands share, each with its unit, its default and its environment name."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

_DIGEST_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_HOST_AND_PORT: Final = re.compile(r".+:[0-9]+")

SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def _address(text: str) -> str:
    if not _HOST_AND_PORT.fullmatch(text):
        raise typer.BadParameter(f"expected HOST:PORT, got {text!r}")
    return text


def digest_in_full(text: str) -> str:
    """Check the digest of a manifest as it was typed, and put it into small letters.

    Raises:
        BadParameter: when it is not 64 hex digits: a part of a digest is easy to forge.
    """
    if not _DIGEST_HEX.fullmatch(text):
        raise typer.BadParameter(f"expected all 64 hex digits, got {text!r}")
    return text.lower()


def digests_in_full(texts: list[str]) -> list[str]:
    """Check each of several digests, as `digest_in_full`."""
    return [digest_in_full(text) for text in texts]


ManifestPath = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY.manifest",
        help="The study, as the operator sent it.",
        exists=True,
        dir_okay=False,
    ),
]
Manifests = Annotated[
    list[Path],
    typer.Option(
        "--manifest",
        help="STUDY.manifest. Repeatable: one process serves several studies.",
        exists=True,
        dir_okay=False,
    ),
]
KeyPath = Annotated[
    Path,
    typer.Option("--key", help="Your NAME.key, from `blindsum keys new`.", dir_okay=False),
]
KeyPaths = Annotated[
    list[Path],
    typer.Option(
        "--key",
        help="Your NAME.key, from `blindsum keys new`. Repeatable, under one passphrase: both the "
        "old file and the one of `blindsum keys rotate` while keys change.",
        dir_okay=False,
    ),
]
AggregatorAddress = Annotated[
    str,
    typer.Option(
        "--aggregator",
        help="HOST:PORT of the aggregator.",
        envvar="BLINDSUM_AGGREGATOR",
        callback=_address,
    ),
]
TlsAuthority = Annotated[
    Path | None,
    typer.Option(
        help="PEM of the authority behind the aggregator's certificate: use TLS. Without it: plain "
        "TCP, for private networks; what binds anybody is signed either way.",
        exists=True,
        dir_okay=False,
    ),
]
TlsCertificate = Annotated[
    Path | None,
    typer.Option(
        help="Own PEM certificate, if the aggregator asks for one (mTLS). Its private key is "
        "NAME.key.pem beside NAME.pem, as `blindsum keys tls` writes it, unless --tls-key says.",
        exists=True,
        dir_okay=False,
    ),
]
TlsKey = Annotated[
    Path | None, typer.Option(help="PEM private key of --tls-certificate.", dir_okay=False)
]
MinCohort = Annotated[
    int | None,
    typer.Option(
        help="Own floor, in contributions: fewest that may be summed, whatever a study says. "
        "Default: 3.",
        min=2,
    ),
]
MinOrganisations = Annotated[
    int | None, typer.Option(help="Own floor: fewest organisations among them. Default: 1.", min=1)
]
MaxEpsilon = Annotated[
    float | None,
    typer.Option(
        help="Own limit: largest epsilon that a study may promise over all its rounds. A study "
        "without differential privacy is refused then. Default: any study."
    ),
]
MaxDelta = Annotated[
    float | None, typer.Option(help="Own limit: largest delta beside it. Default: any.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]


def tls_key_of(certificate: Path | None, key: Path | None) -> Path | None:
    """The private key of a certificate: the one that was named, or the one beside it."""
    if key is not None or certificate is None:
        return key
    return certificate.with_suffix(".key.pem")


def check_tls(authority: Path | None, certificate: Path | None) -> None:
    """Check that TLS is asked for whole.

    Raises:
        BadParameter: when an own certificate comes without an authority.
    """
    if certificate is not None and authority is None:
        raise typer.BadParameter("--tls-certificate needs --tls-authority")


# Any: each setting has its own type, which pydantic checks.
def build_settings(kind: type[SettingsT], **given: Any) -> SettingsT:  # noqa: ANN401
    """A role's settings: what was given as an option, then the environment, then the defaults.

    Args:
        kind: The role's settings class.
        given: One value a setting; None was not given.

    Raises:
        BadParameter: when a value is not allowed; it names the setting, never a secret's value.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise typer.BadParameter(
            "; ".join(
                f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}".lstrip(": ")
                for one in problems
            )
        ) from None
