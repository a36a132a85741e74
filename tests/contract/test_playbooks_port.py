"""The playbooks port, on the fake and on Ansible with local hosts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
from orchestrator.model.playbook import (
    Ending,
    Outcome,
    PlaybookEvent,
    PlaybookHost,
    PlaybookJob,
    TaskResult,
    TaskStarted,
)
from orchestrator.model.units import Json, Secret
from orchestrator.ports.playbooks import Playbooks
from tests.fakes.memory_playbooks import FakeTask, MemoryPlaybooks

CANARY = "canary-7f3e-in-the-mine"
HOSTS = ("one", "two", "three")

PLAY = """
- name: A playbook of a test
  hosts: all
  gather_facts: false
  tasks:
"""
WRITE = """
    - name: Write a file
      ansible.builtin.copy:
        content: hello
        dest: "{{ place }}/{{ inventory_hostname }}"
        mode: "0600"
"""
FAIL = """
    - name: Fail with a secret
      ansible.builtin.fail:
        msg: "the password is {{ password }}, is it?"
      when: inventory_hostname == 'two'
"""
LAST = """
    - name: Look
      ansible.builtin.stat:
        path: "{{ place }}"
"""
BLIND = """
    - name: Act without a rehearsal
      ansible.builtin.command: "true"
      changed_when: false
"""
CONDITIONAL = """
    - name: Rarely
      ansible.builtin.command: "true"
      when: place == 'nowhere'
"""
HANG = """
    - name: Hang
      ansible.builtin.command: sleep 300
"""
UNSEEN = """
    - name: Write a secret
      ansible.builtin.copy:
        content: "{{ password }}"
        dest: "{{ place }}/{{ item }}-{{ inventory_hostname }}"
        mode: "0600"
      loop: [a, b]
      no_log: true
"""
YAML: Mapping[str, str] = {
    "unseen": PLAY + UNSEEN,
    "write": PLAY + WRITE + LAST,
    "fail": PLAY + WRITE + FAIL + LAST,
    "blind": PLAY + WRITE + BLIND + CONDITIONAL,
    "hang": PLAY + WRITE + HANG + LAST,
}
_WRITE = FakeTask(name="Write a file", changes=True)
_FAIL = FakeTask(
    name="Fail with a secret",
    says=f"the password is {CANARY}, is it?",
    fails_on=frozenset({"two"}),
    only_when=lambda job: True,
)
_LOOK = FakeTask(name="Look")
IN_MEMORY: Mapping[str, tuple[FakeTask, ...]] = {
    "unseen.yml": (FakeTask(name="Write a secret", changes=True),),
    "write.yml": (_WRITE, _LOOK),
    "fail.yml": (_WRITE, _FAIL, _LOOK),
    "blind.yml": (
        _WRITE,
        FakeTask(name="Act without a rehearsal", rehearsable=False),
        FakeTask(name="Rarely", only_when=lambda job: False),
    ),
    "hang.yml": (_WRITE, FakeTask(name="Hang", seconds=300), _LOOK),
}


@pytest.fixture(params=["memory", "ansible"])
def playbooks(request: pytest.FixtureRequest, tmp_path: Path) -> Playbooks:
    if request.param == "memory":
        return MemoryPlaybooks(playbooks=IN_MEMORY)
    folder = tmp_path / "playbooks"
    folder.mkdir()
    for name, text in YAML.items():
        (folder / f"{name}.yml").write_text(text)
    return AnsiblePlaybooks(tmp_path / "runs", folder, host_keys=tmp_path / "keys")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    made.mkdir()
    return made


def job(name: str, place: Path, **more: object) -> PlaybookJob:
    settings: dict[str, object] = {"within_seconds": 60.0, **more}
    variables: dict[str, Json] = {"place": str(place)}
    return PlaybookJob(
        playbook=f"{name}.yml",
        hosts=tuple(PlaybookHost(name=host, login=None) for host in HOSTS),
        variables=variables,
        secrets={"password": Secret(CANARY)},
        **settings,  # type: ignore[arg-type] # by name, from the test
    )


def quiet(event: PlaybookEvent) -> None:
    """Watch nothing."""


def test_events_come_for_each_host_and_task_and_agree_with_the_result(
    playbooks: Playbooks, place: Path
) -> None:
    events: list[PlaybookEvent] = []
    result = playbooks.run(job("write", place), watch=events.append)
    assert result.ending is Ending.DONE
    assert {host.host: host.outcome for host in result.hosts} == dict.fromkeys(
        HOSTS, Outcome.CHANGED
    )
    for host in result.hosts:
        assert [task.task for task in host.tasks] == ["Write a file", "Look"]
        assert host.tasks == tuple(
            event for event in events if isinstance(event, TaskResult) and event.host == host.host
        )
    started = [event for event in events if isinstance(event, TaskStarted)]
    assert len(started) == 2 * len(HOSTS)


def test_a_second_run_changes_nothing(playbooks: Playbooks, place: Path) -> None:
    playbooks.run(job("write", place), watch=quiet)
    again = playbooks.run(job("write", place), watch=quiet)
    assert {host.outcome for host in again.hosts} == {Outcome.OK}


def test_a_change_that_is_not_to_be_seen_is_told_of_without_its_content(
    playbooks: Playbooks, place: Path
) -> None:
    for expected in (Outcome.CHANGED, Outcome.OK):
        result = playbooks.run(job("unseen", place), watch=quiet)
        assert {host.outcome for host in result.hosts} == {expected}
        assert CANARY not in str(result)


def test_a_rehearsal_tells_changes_and_makes_none(playbooks: Playbooks, place: Path) -> None:
    for _ in range(2):
        result = playbooks.run(job("write", place, rehearse=True), watch=quiet)
        assert result.rehearsed and result.ending is Ending.DONE
        assert {host.outcome for host in result.hosts} == {Outcome.CHANGED}
    assert list(place.iterdir()) == []


def test_what_cannot_be_rehearsed_is_unknown_and_what_is_not_meant_is_skipped(
    playbooks: Playbooks, place: Path
) -> None:
    result = playbooks.run(job("blind", place, rehearse=True), watch=quiet)
    assert result.ending is Ending.DONE
    for host in result.hosts:
        assert [task.outcome for task in host.tasks] == [
            Outcome.CHANGED,
            Outcome.UNKNOWN,
            Outcome.SKIPPED,
        ]
        assert host.outcome is Outcome.UNKNOWN


def test_a_host_that_fails_does_not_stop_the_others_and_tells_no_secret(
    playbooks: Playbooks, place: Path
) -> None:
    events: list[PlaybookEvent] = []
    result = playbooks.run(job("fail", place), watch=events.append)
    assert result.ending is Ending.FAILED
    outcomes = {host.host: host.outcome for host in result.hosts}
    assert outcomes == {
        "one": Outcome.CHANGED,
        "two": Outcome.FAILED,
        "three": Outcome.CHANGED,
    }
    failed = next(host for host in result.hosts if host.host == "two").tasks[-1]
    assert failed.outcome is Outcome.FAILED
    assert failed.reason == "the password is (secret), is it?"
    assert CANARY not in f"{events}{result}"


def test_a_playbook_that_hangs_is_ended_in_time_and_what_ran_is_unknown(
    playbooks: Playbooks, place: Path
) -> None:
    # Ansible has to come to the hang before its time is over, on a busy machine, too.
    seconds = 20.0 if isinstance(playbooks, AnsiblePlaybooks) else 0.1
    result = playbooks.run(job("hang", place, within_seconds=seconds), watch=quiet)
    assert result.ending is Ending.TIMED_OUT
    assert result.seconds < seconds + 60
    for host in result.hosts:
        assert (host.tasks[-1].task, host.tasks[-1].outcome) == ("Hang", Outcome.UNKNOWN)
        assert host.outcome is Outcome.UNKNOWN


def test_a_stop_ends_the_run_and_every_later_one(playbooks: Playbooks, place: Path) -> None:
    def stop_at_the_hang(event: PlaybookEvent) -> None:
        if event.task == "Hang":
            threading.Thread(target=playbooks.stop).start()

    result = playbooks.run(job("hang", place), watch=stop_at_the_hang)
    assert result.ending is Ending.STOPPED
    assert {host.outcome for host in result.hosts} == {Outcome.UNKNOWN}
    later = playbooks.run(job("write", place), watch=quiet)
    assert later.ending is Ending.STOPPED
    assert [host.tasks for host in later.hosts] == [(), (), ()]


def test_a_watch_that_raises_ends_the_run(playbooks: Playbooks, place: Path) -> None:
    def refuse(event: PlaybookEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        playbooks.run(job("hang", place), watch=refuse)


def test_a_playbook_that_is_not_there_is_broken_and_runs_nothing(
    playbooks: Playbooks, place: Path
) -> None:
    result = playbooks.run(job("nowhere", place), watch=quiet)
    assert result.ending is Ending.BROKEN
    assert result.reason
    assert {host.outcome for host in result.hosts} == {Outcome.SKIPPED}
