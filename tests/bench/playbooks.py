"""One playbook on 100 local hosts: our run against plain ansible-playbook, in turns.

Both run the same file with the same inventory, as many hosts at a time, pipelining and a cache in
memory. Ours adds a supervisor, ansible-runner, a scrubber before every event, and a record: a
start, and some milliseconds of CPU an event. That shows most with tasks that do nothing; with
modules that run, as in every real playbook, the rest is Ansible's. Both are measured. On a machine
that is busy with other things, compare the CPU time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HOSTS = 100
PARALLEL = 10
TURNS = 2
MOST_SECONDS = 120
"""For one run; usual on two cores is 10 to 40."""
HEAD = """
- name: A playbook of a bench
  hosts: all
  gather_facts: false
  tasks:
"""
PLAYBOOKS = {
    "3 tasks that do nothing": HEAD
    + """
    - name: Say
      ansible.builtin.debug:
        msg: "{{ inventory_hostname }}"
    - name: Ask
      ansible.builtin.raw: "true"
      changed_when: false
    - name: Skip
      ansible.builtin.command: "false"
      when: place == ''
""",
    "2 modules that run": HEAD
    + """
    - name: Look
      ansible.builtin.stat:
        path: "{{ place }}"
    - name: Make
      ansible.builtin.file:
        path: "{{ place }}/{{ inventory_hostname }}"
        state: directory
        mode: "0700"
""",
}


def main() -> None:
    sys.stdout.write(f"  {HOSTS} local hosts, {PARALLEL} at a time, best of {TURNS}:\n")
    for name, text in PLAYBOOKS.items():
        sys.stdout.write(f"   {name}:\n")
        compare(text)


def compare(playbook: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "playbooks").mkdir()
        (here / "playbooks" / "bench.yml").write_text(playbook)
        (here / "place").mkdir()
        turns = [(measured(run_plain, here), measured(run_ours, here)) for _ in range(TURNS)]
    for index, what in enumerate(("s of time", "s of CPU ")):
        plain, ours = (min(turn[who][index] for turn in turns) for who in (0, 1))
        sys.stdout.write(
            f"    {what}: plain ansible-playbook {plain:5.1f}, orchestrator {ours:5.1f}, "
            f"{(ours / plain - 1) * 100:+.0f} %\n"
        )


def measured(run: Callable[[Path], None], here: Path) -> tuple[float, float]:
    """Return the seconds that a run took, and those of CPU, ours and of all that it started."""
    begun, used = time.monotonic(), cpu_seconds()
    run(here)
    return time.monotonic() - begun, cpu_seconds() - used


def cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def names() -> list[str]:
    return [f"host-{number:03}" for number in range(HOSTS)]


def run_plain(here: Path) -> None:
    hosts = {
        name: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        for name in names()
    }
    inventory = here / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            f"--forks={PARALLEL}", "-i", str(inventory), "-e", f"place={here}/place",
            str(here / "playbooks" / "bench.yml"),
        ],
        check=True, timeout=MOST_SECONDS, stdout=subprocess.DEVNULL,
        env={
            "PATH": os.defpath, "HOME": str(here), "LANG": "C.UTF-8", "ANSIBLE_PIPELINING": "True"
        },
    )  # fmt: skip


def run_ours(here: Path) -> None:
    from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
    from orchestrator.model.playbook import Ending, PlaybookHost, PlaybookJob

    job = PlaybookJob(
        playbook="bench.yml",
        hosts=tuple(PlaybookHost(name=name, login=None) for name in names()),
        variables={"place": f"{here}/place"},
        within_seconds=MOST_SECONDS,
        parallel=PARALLEL,
    )
    adapter = AnsiblePlaybooks(here / "runs", here / "playbooks", host_keys=here / "keys")
    result = adapter.run(job, watch=lambda event: None)
    assert result.ending is Ending.DONE, result


if __name__ == "__main__":
    main()
