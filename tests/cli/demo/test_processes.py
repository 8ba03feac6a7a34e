"""The demo's processes: killed as by a power cut, noticed when they end, never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blindsum_cli.demo.processes import Processes, running
from blindsum_crypto.errors import Aborted

SLEEPER = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
STUBBORN = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print(os.getpid(), flush=True); time.sleep(600)"
)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that runs its argument, for `python -m`."""
    (tmp_path / "run_this.py").write_text("import sys\nexec(sys.argv[1])\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "run_this"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_in(log: Path, seconds: float = 20.0) -> int:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        words = log.read_text().split() if log.exists() else []
        if words:
            return int(words[0])
        time.sleep(0.02)
    raise TimeoutError(f"no process id in {log}")


@pytest.mark.slow
def test_everybody_is_gone_when_the_block_is_left(tmp_path: Path, module: str) -> None:
    with running(tmp_path) as processes:
        processes.start("sleeper", module, [SLEEPER])
        pid = pid_in(processes.log("sleeper"))
        assert is_alive(pid)

    assert not is_alive(pid)


@pytest.mark.slow
def test_everybody_is_gone_after_an_error_too(tmp_path: Path, module: str) -> None:
    def fail() -> None:
        with running(tmp_path) as processes:
            processes.start("sleeper", module, [SLEEPER])
            assert is_alive(pid_in(processes.log("sleeper")))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not is_alive(pid_in(tmp_path / "sleeper.log"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_everybody_is_gone_when_the_demo_itself_is_told_to_stop(
    tmp_path: Path, module: str, number: signal.Signals
) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from blindsum_cli.demo.processes import running\n"
        f"with running(Path({str(tmp_path)!r})) as processes:\n"
        f"    processes.start('sleeper', {module!r}, [{SLEEPER!r}])\n"
        "    time.sleep(600)\n"
    )
    demo = subprocess.Popen([sys.executable, "-c", program])
    pid = pid_in(tmp_path / "sleeper.log")

    demo.send_signal(number)

    assert demo.wait(20) != 0
    assert not is_alive(pid)


@pytest.mark.slow
def test_who_does_not_end_when_asked_is_ended(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blindsum_cli.demo.processes._GRACE_SECONDS", 0.5)
    processes = Processes(tmp_path)
    processes.start("stubborn", module, [STUBBORN])
    pid = pid_in(processes.log("stubborn"))

    processes.stop()

    assert not is_alive(pid)


@pytest.mark.slow
def test_a_killed_process_can_be_started_again_and_its_log_goes_on(
    tmp_path: Path, module: str
) -> None:
    with running(tmp_path) as processes:
        processes.start("sleeper", module, [SLEEPER])
        first = pid_in(processes.log("sleeper"))
        processes.kill("sleeper")
        assert not is_alive(first)

        processes.start(
            "sleeper", module, ["print('again', flush=True); import time; time.sleep(60)"]
        )
        deadline = time.monotonic() + 20
        while "again" not in processes.tail("sleeper") and time.monotonic() < deadline:
            time.sleep(0.02)
        processes.check()

        assert str(first) in processes.tail("sleeper")
        assert "again" in processes.tail("sleeper")


@pytest.mark.slow
def test_a_process_that_ends_is_noticed_with_the_end_of_its_log(
    tmp_path: Path, module: str
) -> None:
    with running(tmp_path) as processes:
        processes.start("failing", module, ["print('what went wrong'); sys.exit(4)"])
        while not processes.has_ended("failing"):
            time.sleep(0.02)

        with pytest.raises(Aborted) as caught:
            processes.check(may_have_ended=["failing"])

    assert caught.value.rule == "demo-process-ended"
    assert "failing" in caught.value.expected
    assert "what went wrong" in caught.value.expected


@pytest.mark.slow
def test_a_process_may_end_well_where_it_is_allowed_and_only_there(
    tmp_path: Path, module: str
) -> None:
    with running(tmp_path) as processes:
        processes.start("done", module, ["pass"])
        while not processes.has_ended("done"):
            time.sleep(0.02)

        processes.check(may_have_ended=["done"])
        with pytest.raises(Aborted) as caught:
            processes.check()

    assert caught.value.rule == "demo-process-ended"


@pytest.mark.slow
def test_settings_of_other_studies_do_not_reach_the_demo(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDSUM_PASSPHRASE", "of somebody else")
    with running(tmp_path) as processes:
        processes.start("asked", module, ["import os; print(sorted(os.environ))"])
        while not processes.has_ended("asked"):
            time.sleep(0.02)

        assert "BLINDSUM_PASSPHRASE" not in processes.tail("asked")
        assert "PYTHONPATH" in processes.tail("asked")
