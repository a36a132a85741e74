"""What goes wrong in the middle of an apply, and that the next run finishes without duplicates."""

import os
import random
import resource
import signal
import subprocess
import time

import pytest

from orchestrator.lab.processes import running_processes
from tests.lab.town import COMMAND_SECONDS, Town

pytestmark = pytest.mark.lab

KILLS = 10
LONGEST_BEFORE_A_KILL_SECONDS = 6.0


@pytest.fixture(scope="module")
def untouched(tmp_path_factory, town_lab):
    """A town that was applied in one go: what the others must end as."""
    town = Town(tmp_path_factory.mktemp("towns") / "oak", town_lab, prefix="oak", number=2)
    town.bring_up_lab()
    applied = town.run("apply", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    return {kind: [name.replace("oak", "?") for name in n] for kind, n in town.inventory().items()}


@pytest.fixture
def town(tmp_path, town_lab, request, untouched):
    """A fresh town for each test; `untouched` comes first, for the BMCs are the last town's."""
    prefix, number = request.param
    town = Town(tmp_path / prefix, town_lab, prefix=prefix, number=number)
    town.bring_up_lab()
    return town


def assert_ends_like(town, untouched):
    finished = town.run("apply", "--yes")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = {k: [name.replace(town.prefix, "?") for name in n] for k, n in town.inventory().items()}
    assert found == untouched
    assert town.changes() == []
    assert town.run("drift", "--detailed-exitcode").returncode == 0


@pytest.mark.parametrize("town", [("yew", 3)], indirect=True)
def test_killed_ten_times_at_random_moments_it_ends_where_an_undisturbed_run_ends(town, untouched):
    dice = random.Random(20261122)
    moments = [dice.uniform(1.0, LONGEST_BEFORE_A_KILL_SECONDS) for _ in range(KILLS)]
    cut = [town.killed_after(moment, "apply", "--yes") for moment in moments]
    assert cut[0], "the first run was over before it could be killed: shorten the moments"
    assert_ends_like(town, untouched)


@pytest.mark.parametrize("town", [("ash", 4)], indirect=True)
def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(town, untouched):
    running = town.start("apply", "--yes")
    time.sleep(4)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert_ends_like(town, untouched)


@pytest.mark.parametrize("town", [("elder", 5)], indirect=True)
def test_keystone_stopped_in_the_middle_is_a_clear_error_and_resumable(town, untouched):
    running = town.start("apply", "--yes", "--layer", "system", "--layer", "tenancy")
    time.sleep(3.5)
    processes = {one.service: one.pid for one in running_processes(town.lab.settings)}
    os.kill(processes["keystone"], signal.SIGKILL)
    said, _ = running.communicate(timeout=COMMAND_SECONDS)
    assert running.returncode in {1, 6}, said
    assert "identity" in said or "keystone" in said.lower()
    assert "Traceback" not in said

    town.bring_up_lab()
    assert_ends_like(town, untouched)


@pytest.mark.parametrize("town", [("fir", 6)], indirect=True)
def test_a_full_disk_stops_with_a_clear_error_and_loses_nothing(town, untouched):
    """A limit on the size of files stands for a full disk: write(2) fails in the middle."""

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (24 * 1024, 24 * 1024))

    stopped = subprocess.run(
        town.line("apply", "--yes"),
        env=town.environment({}),
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert stopped.returncode in {1, 6}, stopped.stdout + stopped.stderr
    assert "cannot write" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert_ends_like(town, untouched)


@pytest.mark.parametrize("town", [("box", 7)], indirect=True)
def test_two_applies_at_once_are_one_apply_and_one_clear_refusal(town, untouched):
    first = town.start("apply", "--yes")
    time.sleep(4)
    second = town.run("apply", "--yes")
    said, _ = first.communicate(timeout=COMMAND_SECONDS)
    assert first.returncode == 0, said
    assert second.returncode == 4
    assert f"pid {first.pid}" in second.stderr
    assert_ends_like(town, untouched)
