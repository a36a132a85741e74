"""Faults of a run on Ansible: what is left of secrets and processes, and what is told."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.adapters.ansible_playbooks.leftovers import marked
from orchestrator.adapters.ansible_playbooks.runs import RUNS_KEPT, AnsiblePlaybooks
from orchestrator.errors import StateError
from orchestrator.model.playbook import (
    Ending,
    Login,
    Outcome,
    PlaybookEvent,
    PlaybookHost,
    PlaybookJob,
    PlaybookResult,
)
from orchestrator.model.units import Secret, SecretRef
from tests.contract.sshd import SSHD, Sshd, running_sshd

CANARY = "canary:81f5/+ab \"quoted\" 'mine'"
KEY = SecretRef("secret://ssh/hosts")

# Everything that can leak a secret without no_log: output, arguments, templates, facts, failures.
LEAKS = """
- name: Leak in every way that a playbook can
  hosts: all
  gather_facts: false
  tasks:
    - name: Say it
      ansible.builtin.debug:
        var: password
    - name: Say it in base64, inside another text
      ansible.builtin.debug:
        msg: "{{ ('user:' ~ password) | b64encode }}"
    - name: Keep it as a fact
      ansible.builtin.set_fact:
        kept: "{{ password }}"
        cacheable: true
    - name: Print it
      ansible.builtin.command:
        argv: [cat]
        stdin: "{{ password }}"
      changed_when: false
    - name: Fail with it in {{ password }}
      ansible.builtin.shell: "cat >&2; exit 3"
      args:
        stdin: "{{ password }}"
      ignore_errors: true
    - name: Hand it over
      ansible.builtin.copy:
        content: "{{ password }}"
        dest: "{{ playbook_dir }}/no/such/folder"
        mode: "0600"
      ignore_errors: true
"""
HANG = """
    - name: Hang
      ansible.builtin.command: sleep 300
"""
LOOPED = """
- name: Include some tasks for each of a few
  hosts: all
  gather_facts: false
  tasks:
    - name: Do each
      ansible.builtin.include_tasks: part.yml
      loop: [a, b, c]
      when: item != 'b'
"""
PART = """
- name: Say which
  ansible.builtin.debug:
    var: item
"""
QUICK = """
- name: Look
  hosts: all
  gather_facts: false
  tasks:
    - name: Look
      ansible.builtin.stat:
        path: /
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / "playbooks" / f"{name}.yml").write_text(text)


def run(
    folder: Path,
    name: str,
    *hosts: PlaybookHost,
    seconds: float = 60,
    key: str = "",
    watch: object = None,
) -> PlaybookResult:
    adapter = AnsiblePlaybooks(folder / "runs", folder / "playbooks", host_keys=folder / "keys")
    job = PlaybookJob(
        playbook=f"{name}.yml",
        hosts=hosts or (PlaybookHost(name="one", login=None),),
        secrets={"password": Secret(CANARY)},
        keys={KEY: Secret(key)} if key else {},
        within_seconds=seconds,
    )
    return adapter.run(job, watch=watch or (lambda event: None))  # type: ignore[arg-type] # a watch


def leaked(*roots: Path) -> list[str]:
    """Return every file in which the canary is, in any of its forms."""
    forms = [CANARY, CANARY.replace('"', '\\"'), CANARY.split('"')[0]]
    forms += [base64.b64encode(form.encode()).decode()[4:-6] for form in forms]
    found = []
    for root in roots:
        for file in root.rglob("*"):
            try:
                content = file.read_bytes() if file.is_file() else b""
            except OSError:
                continue
            if any(form.encode() in content for form in forms):
                found.append(str(file))
    return found


def seen_in_processes() -> list[str]:
    """Return the command lines and environments of other processes that show the canary."""
    found = []
    for part in ("cmdline", "environ"):
        for file in Path("/proc").glob(f"[0-9]*/{part}"):
            try:
                content = file.read_bytes()
            except OSError:
                continue
            if CANARY.encode() in content and file.parent.name != str(os.getpid()):
                found.append(f"{file}: {content[:200]!r}")
    return found


SEARCHED = (Path("/dev/shm"), Path.home() / ".ansible")


def test_a_planted_secret_is_in_no_event_result_or_file(folder: Path) -> None:
    write(folder, "leaks", LEAKS)
    events: list[PlaybookEvent] = []
    shown: list[str] = []

    def watch(event: PlaybookEvent) -> None:
        events.append(event)
        shown.extend(seen_in_processes())

    result = run(folder, "leaks", watch=watch)
    assert result.ending is Ending.DONE, result
    assert len(result.hosts[0].tasks) == 6
    assert "canary" not in f"{events}{result}"
    assert "(secret)" in f"{result}", "the leaks were there to be scrubbed"
    assert shown == []
    assert leaked(folder, *SEARCHED) == []


def test_the_records_are_private_and_only_the_last_ones_are_kept(folder: Path) -> None:
    write(folder, "quick", QUICK)
    older = [folder / "runs" / f"2025{number:04}" for number in range(RUNS_KEPT + 5)]
    for path in older:
        path.mkdir(parents=True, mode=0o700)
    record = run(folder, "quick").record
    kept = sorted(path for path in (folder / "runs").iterdir() if path.is_dir())
    assert [str(path) for path in kept] == [*map(str, older[6:]), record]
    for path in [folder / "runs", *(folder / "runs").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


@pytest.fixture
def killable(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the leaks and then a hang in a process that is there to be killed."""
    write(folder, "canary", LEAKS + HANG)
    canary = folder / "canary"
    canary.write_text(CANARY)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contract.run_playbook", str(folder), str(canary)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "TaskStarted" in line and "Hang" in line:
                break
        yield process
        process.kill()


def run_folder(folder: Path) -> Path:
    return next(path for path in (folder / "runs").iterdir() if path.is_dir())


def gone(folder: Path, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not list(marked(run_folder(folder))):
            return True
        time.sleep(0.1)
    return False


def test_killed_with_9_a_run_leaves_no_process_and_no_secret(
    folder: Path, killable: subprocess.Popen[str]
) -> None:
    assert len(list(marked(run_folder(folder)))) >= 2, "the supervisor and Ansible at least"
    killable.kill()
    killable.wait()
    assert gone(folder)
    assert leaked(folder, *SEARCHED) == []


def test_a_supervisor_killed_with_9_is_noticed_and_cleaned_up_after(
    folder: Path, killable: subprocess.Popen[str]
) -> None:
    here = run_folder(folder)
    supervisor = next(
        pid for pid in marked(here) if b"supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(supervisor, signal.SIGKILL)
    assert killable.wait(timeout=20) == 0
    assert gone(folder)
    assert '"ending": "broken"' in (here / "result.json").read_text()
    assert '"outcome": "unknown"' in (here / "result.json").read_text()
    assert leaked(folder, *SEARCHED) == []


def test_all_killed_with_9_at_once_is_cleaned_up_by_the_next_run(
    folder: Path, killable: subprocess.Popen[str]
) -> None:
    here = run_folder(folder)
    work = (here / "work").resolve()
    supervisor = next(
        pid for pid in marked(here) if b"supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(killable.pid, signal.SIGSTOP)
    os.kill(supervisor, signal.SIGKILL)
    killable.kill()
    killable.wait()
    assert work.is_dir()
    assert leaked(folder, work) == [], "even what is left behind holds no secret"
    write(folder, "quick", QUICK)
    assert run(folder, "quick").ending is Ending.DONE
    assert not list(marked(here)) and not work.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- name: x\n  hosts: all\n  tasks: [\n", ""),
        ("- name: x\n  hosts: all\n  tusks: []\n", "tusks"),
        (
            "- name: x\n  hosts: all\n  gather_facts: false\n  tasks:\n"
            "    - name: y\n      nowhere.at_all.module:\n        a: b\n",
            "nowhere.at_all.module",
        ),
    ],
    ids=["malformed", "a misspelt key", "a collection that is missing"],
)
def test_a_playbook_that_cannot_be_run_is_broken_and_says_why(
    folder: Path, text: str, said: str
) -> None:
    write(folder, "bad", text)
    result = run(folder, "bad")
    assert result.ending is Ending.BROKEN
    assert said in result.reason
    assert result.hosts[0].outcome is Outcome.SKIPPED


@pytest.mark.parametrize("code", [0, 1, 250])
def test_without_ansible_s_own_count_nothing_is_called_done(folder: Path, code: int) -> None:
    """Its callback died, or it is another program: the exit code alone proves nothing."""
    write(folder, "quick", QUICK)
    tools = folder / "tools"
    tools.mkdir()
    (tools / "ansible-playbook").write_text(f"#!/bin/sh\necho all is well\nexit {code}\n")
    (tools / "ansible-playbook").chmod(0o755)
    adapter = AnsiblePlaybooks(
        folder / "runs", folder / "playbooks", host_keys=folder / "keys", tools=tools
    )
    job = PlaybookJob(
        playbook="quick.yml", hosts=(PlaybookHost(name="one", login=None),), within_seconds=20
    )
    result = adapter.run(job, watch=lambda event: None)
    assert result.ending is Ending.BROKEN
    assert result.hosts[0].outcome is Outcome.SKIPPED


def test_tasks_that_are_included_in_a_loop_are_counted_as_ansible_counts_them(
    folder: Path,
) -> None:
    write(folder, "looped", LOOPED)
    write(folder, "part", PART)
    result = run(folder, "looped")
    assert result.ending is Ending.DONE, result
    assert [task.task for task in result.hosts[0].tasks] == ["Do each", "Say which", "Say which"]


def test_a_record_that_cannot_be_made_stops_the_run_before_it_starts(folder: Path) -> None:
    write(folder, "quick", QUICK)
    (folder / "runs").write_text("in the way")
    with pytest.raises(StateError, match="cannot make the record"):
        run(folder, "quick")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted by root only")
def test_a_disk_that_is_full_after_the_run_says_that_it_has_run(folder: Path) -> None:
    write(folder, "quick", QUICK)
    disk = folder / "runs"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    try:

        def fill(event: PlaybookEvent) -> None:
            with (disk / "filler").open("ab") as filler:
                try:
                    filler.write(b"x" * 65536)
                    filler.flush()
                except OSError:
                    return

        with pytest.raises(StateError, match=r"has run \(done\), but without a record"):
            run(folder, "quick", watch=fill)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


needs_sshd = pytest.mark.skipif(
    SSHD is None or shutil.which("ssh") is None, reason="needs openssh-server and ssh"
)


@pytest.fixture
def sshd(folder: Path) -> Iterator[Sshd]:
    with running_sshd(folder / "sshd") as daemon:
        yield daemon


def over_ssh(sshd: Sshd, name: str = "far") -> PlaybookHost:
    login = Login(
        address="127.0.0.1", port=sshd.port, user=sshd.user, key=KEY, pinned_as="10.0.0.9"
    )
    return PlaybookHost(name=name, login=login)


@needs_sshd
def test_over_ssh_the_private_key_is_in_no_file_and_the_host_is_pinned(
    folder: Path, sshd: Sshd
) -> None:
    write(folder, "quick", QUICK)
    key = sshd.private_key
    secret_line = key.splitlines()[2].encode()
    found: list[str] = []

    def watch(event: PlaybookEvent) -> None:
        places = [folder / "runs", (run_folder(folder) / "work").resolve()]
        files = [file for place in places for file in place.rglob("*") if file.is_file()]
        found.extend(str(file) for file in files if secret_line in file.read_bytes())

    first = run(folder, "quick", over_ssh(sshd), key=key, watch=watch)
    assert first.ending is Ending.DONE, first
    assert found == []
    pinned = (folder / "keys" / "10.0.0.9.hostkey").read_text()
    assert pinned.startswith("ssh-ed25519 SHA256:")
    sshd.stop()
    sshd.make_host_key()
    sshd.start()
    second = run(folder, "quick", over_ssh(sshd), key=key)
    assert second.ending is Ending.FAILED
    assert second.hosts[0].outcome is Outcome.UNREACHABLE
    assert (folder / "keys" / "10.0.0.9.hostkey").read_text() == pinned


@needs_sshd
def test_a_host_that_is_away_before_is_unreachable_and_the_others_go_on(
    folder: Path, sshd: Sshd
) -> None:
    write(folder, "quick", QUICK)
    away = over_ssh(sshd)
    key = sshd.private_key
    sshd.stop()
    result = run(folder, "quick", away, PlaybookHost(name="near", login=None), key=key)
    assert result.ending is Ending.FAILED
    assert {host.host: host.outcome for host in result.hosts} == {
        "far": Outcome.UNREACHABLE,
        "near": Outcome.OK,
    }


@needs_sshd
def test_a_host_that_goes_away_in_the_middle_is_unreachable(folder: Path, sshd: Sshd) -> None:
    write(folder, "middle", QUICK + HANG + QUICK.split("tasks:\n")[1])

    def cut(event: PlaybookEvent) -> None:
        if event.task == "Hang":
            time.sleep(1)  # let the command begin
            sshd.stop()

    begun = time.monotonic()
    result = run(folder, "middle", over_ssh(sshd), key=sshd.private_key, watch=cut)
    assert result.ending is Ending.FAILED
    assert result.hosts[0].outcome in {Outcome.UNREACHABLE, Outcome.UNKNOWN}
    assert result.hosts[0].tasks[-1].task == "Hang"
    assert time.monotonic() - begun < 45
