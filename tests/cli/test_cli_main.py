from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from orchestrator.cli.main import SUMMARIES, cli
from orchestrator.errors import InterruptedRunError, OrchestratorError
from tests.cli.conftest import Run, edit
from tests.fakes.site_world import SiteWorld

HEAVY = ("openstack", "pulumi", "pydantic", "ansible", "grpc", "paramiko", "rich", "yaml")


def in_a_new_process(code: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, **more
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-command"], []])
def test_what_needs_no_command_imports_no_heavy_library(arguments: list[str]) -> None:
    ended = in_a_new_process(
        "import sys, json\n"
        "from orchestrator.cli.main import cli\n"
        "try:\n"
        f"    cli.main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.stderr.write(json.dumps([name.partition('.')[0] for name in sys.modules]))\n"
    )
    loaded = set(json.loads(ended.stderr.splitlines()[-1]))
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    shown = run("--help").stdout
    for name, summary in SUMMARIES.items():
        assert f"  {name} " in shown
        assert summary in shown
    assert "Exit codes:\n  0    done, or nothing to do\n" in shown


@pytest.mark.parametrize("name", [name for name in SUMMARIES if name != "lab"])
def test_the_static_summary_is_the_commands_own_first_line(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help is not None
    assert command.help.partition("\n")[0] == SUMMARIES[name]


def test_version(run: Run) -> None:
    assert run("--version").stdout == "orchestrator 0.1.0\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["plna"],
        ["plan", "--no-such-option"],
        ["plan", "--layer", "cellar"],
        ["state", "show"],
        [],
    ],
)
def test_a_wrong_command_line_exits_with_64(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 64


def test_a_misspelt_command_gets_a_guess(run: Run) -> None:
    assert "Did you mean `plan`?" in run("plna").stderr


class Saboteur(SiteWorld):
    """A world whose ports cannot be opened."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def open(self, *arguments: object, **more: object):
        raise self.error


def test_an_error_on_purpose_is_message_remedy_and_its_exit_code(site: Path) -> None:
    world = Saboteur(OrchestratorError("Keystone does not answer", remedy="Start it."))
    result = CliRunner().invoke(cli, ["plan", str(site)], obj=world)
    assert result.exit_code == 1
    assert result.stderr == "error: Keystone does not answer\ndo: Start it.\n"


def test_an_interrupted_run_exits_with_130(site: Path) -> None:
    world = Saboteur(InterruptedRunError("stopped"))
    assert CliRunner().invoke(cli, ["plan", str(site)], obj=world).exit_code == 130


def test_ctrl_c_while_nothing_is_changed_exits_with_130(site: Path) -> None:
    result = CliRunner().invoke(cli, ["plan", str(site)], obj=Saboteur(KeyboardInterrupt()))
    assert result.exit_code == 130
    assert result.stderr.strip() == "Interrupted."


def test_a_crash_is_a_short_message_and_a_traceback_in_the_sites_log(site: Path) -> None:
    (site / ".orchestrator").mkdir()
    world = Saboteur(ZeroDivisionError("oh"))
    result = CliRunner().invoke(cli, ["plan", str(site)], obj=world)
    assert result.exit_code == 1
    log = site / ".orchestrator" / "crash.log"
    assert result.stderr == (
        f"error: a fault in this program: ZeroDivisionError: oh\nThe traceback is in {log}\n"
    )
    assert "Traceback (most recent call last)" in log.read_text()


def test_a_crash_before_there_is_a_state_folder_is_kept_too(site: Path, tmp_path: Path) -> None:
    world = Saboteur(ZeroDivisionError("oh"))
    result = CliRunner().invoke(cli, ["plan", str(site)], obj=world)
    named = Path(result.stderr.splitlines()[-1].removeprefix("The traceback is in "))
    try:
        assert "ZeroDivisionError: oh" in named.read_text()
        assert not (site / ".orchestrator").exists()
    finally:
        named.unlink()


def test_verbose_shows_the_traceback_on_the_spot(site: Path) -> None:
    world = Saboteur(ZeroDivisionError("oh"))
    result = CliRunner().invoke(cli, ["-v", "plan", str(site)], obj=world)
    assert "Traceback (most recent call last)" in result.stderr
    assert "The traceback is in" not in result.stderr


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_goes_away_is_not_a_crash(site: Path, output: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ended = subprocess.run(
            [sys.executable, "-m", "orchestrator", "check", str(site), "-o", output],
            stdout=closed,
            stderr=subprocess.PIPE,
            env={},  # without PYTHONUNBUFFERED, which would hide a fault at the last flush
            text=True,
            timeout=60,
        )
    assert ended.stderr == ""


def test_an_ascii_terminal_does_not_make_chinese_names_a_crash(site: Path) -> None:
    ended = in_a_new_process(
        "import sys; from orchestrator.cli.main import main\n"
        f"sys.argv[1:] = ['check', {str(site)!r}]; main()",
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "smallcity" in ended.stdout


def test_columns_are_respected_and_a_pipe_is_never_folded_otherwise(site: Path) -> None:
    edit(site / "tenancy.yaml", "en: Industry Bureau", f"en: {'Bureau ' * 30}")
    code = (
        "import sys; from orchestrator.cli.main import cli\n"
        "from tests.fakes.site_world import SiteWorld\n"
        "from orchestrator.cli.wiring import MachineWiring\n"
        "world = SiteWorld(); world.look = MachineWiring().look\n"
        f"cli.main(['status', {str(site)!r}], obj=world)\n"
    )
    wide = in_a_new_process(code, env={}, cwd=Path(__file__).parents[2])
    narrow = in_a_new_process(code, env={"COLUMNS": "80"}, cwd=Path(__file__).parents[2])
    assert any("Bureau " * 29 in line for line in wide.stdout.splitlines()), wide.stderr
    assert max(map(len, narrow.stdout.splitlines())) <= 80


def test_the_first_signal_finishes_what_is_in_flight_the_second_stops_at_once() -> None:
    ended = in_a_new_process(
        "import os, signal\n"
        "from orchestrator.cli.interrupts import catching\n"
        "with catching(lambda: print('asked to stop', flush=True), print) as interrupts:\n"
        "    interrupts.soften()\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('still working', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('not reached')\n"
    )
    assert [line for line in ended.stdout.splitlines() if not line.startswith("Stop")] == [
        "asked to stop",
        "still working",
    ]
    assert ended.returncode == 130


def test_a_signal_before_approval_stops_at_once_and_handlers_are_given_back() -> None:
    from orchestrator.cli.interrupts import catching

    before = signal.getsignal(signal.SIGINT)
    with (
        pytest.raises(KeyboardInterrupt),
        catching(lambda: pytest.fail("nothing is in flight"), print),
    ):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_the_program_back(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_ORCHESTRATOR_COMPLETE=" in result.stdout


def test_completion_offers_commands_and_values() -> None:
    def offered(words: str, count: int) -> list[str]:
        ended = in_a_new_process(
            "from orchestrator.cli.main import main; main()",
            env={
                "_ORCHESTRATOR_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(count),
            },
        )
        return [line.partition(",")[2] for line in ended.stdout.splitlines()]

    assert offered("orchestrator st", 1) == ["status", "state"]
    assert offered("orchestrator plan --layer ten", 3) == ["tenancy"]
