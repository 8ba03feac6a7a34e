"""Help that teaches: every command and every option says what it is for."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from blindsum_cli.main import app

# Any: Typer keeps a copy of click's classes to itself.
# ruff: noqa: ANN401
ROOT: Any = typer.main.get_command(app)


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


def find(path: tuple[str, ...]) -> Any:
    command = ROOT
    for name in path:
        command = command.commands[name]
    return command


EVERY_COMMAND = [pytest.param(path, id=" ".join(path) or "blindsum") for path in walk(ROOT)]
COMMANDS = {path for path in walk(ROOT) if not hasattr(find(path), "commands")}


def test_the_tree_holds_the_commands_of_every_role() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "keys new",
        "keys rotate",
        "keys show",
        "keys tls",
        "study create",
        "study sign",
        "study amend",
        "study show",
        "study verify",
        "study end",
        "study exception create",
        "study exception sign",
        "study exception show",
        "aggregator serve",
        "custodian enrol",
        "custodian attend",
        "client join",
        "client model",
        "client contribute",
        "client verify",
        "round open",
        "round abort",
        "round except",
        "round amend",
        "round status",
        "privacy plan",
        "privacy spent",
        "verify",
        "statistic answer",
        "demo",
        "demo-statistics",
        "bench",
    }


@pytest.mark.parametrize("path", EVERY_COMMAND)
def test_every_command_has_help_that_prints(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"], terminal_width=100)

    assert result.exit_code == 0
    assert (find(path).help or "").strip().split("\n")[0].endswith(".")
    assert "Usage" in result.output


@pytest.mark.parametrize("path", EVERY_COMMAND)
def test_every_option_and_argument_says_what_it_is(path: tuple[str, ...]) -> None:
    silent = [
        parameter.name
        for parameter in find(path).params
        if not getattr(parameter, "hidden", False) and not getattr(parameter, "help", None)
    ]

    assert silent == []


def test_a_group_without_a_command_teaches_instead_of_doing() -> None:
    result = CliRunner().invoke(app, ["custodian"])

    assert "attend" in result.output
    assert "enrol" in result.output


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert result.exit_code == 0
    assert result.output == f"blindsum {version('blindsum')}\n"
