"""One playbook on 100 local hosts: our run against plain ansible-playbook, in turns.

Both run the same file with the same inventory, as many hosts at a time, pipelining and a cache in
memory. What ours adds: a supervisor, ansible-runner, a scrubber before every event, and a record.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOSTS = 100
PARALLEL = 20
TURNS = 3
PLAYBOOK = """
- name: A playbook of a bench
  hosts: all
  gather_facts: false
  tasks:
    - name: Write
      ansible.builtin.copy:
        content: "{{ inventory_hostname }}"
        dest: "{{ place }}/{{ inventory_hostname }}"
        mode: "0600"
    - name: Look
      ansible.builtin.stat:
        path: "{{ place }}/{{ inventory_hostname }}"
    - name: Ask
      ansible.builtin.command: "true"
      changed_when: false
    - name: Skip
      ansible.builtin.command: "false"
      when: place == ''
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "playbooks").mkdir()
        (here / "playbooks" / "bench.yml").write_text(PLAYBOOK)
        (here / "place").mkdir()
        plain, ours = [], []
        for _ in range(TURNS):
            plain.append(run_plain(here))
            ours.append(run_ours(here))
    best_plain, best_ours = min(plain), min(ours)
    sys.stdout.write(
        f"  {HOSTS} local hosts, {PARALLEL} at a time, 4 tasks, best of {TURNS}:\n"
        f"    plain ansible-playbook {best_plain:.1f} s ({shown(plain)})\n"
        f"    orchestrator           {best_ours:.1f} s ({shown(ours)}), "
        f"{(best_ours / best_plain - 1) * 100:+.0f} %\n"
    )


def shown(seconds: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in seconds)


def names() -> list[str]:
    return [f"host-{number:03}" for number in range(HOSTS)]


def run_plain(here: Path) -> float:
    hosts = {
        name: {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        for name in names()
    }
    inventory = here / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    begun = time.monotonic()
    subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            f"--forks={PARALLEL}", "-i", str(inventory), "-e", f"place={here}/place",
            str(here / "playbooks" / "bench.yml"),
        ],
        check=True, timeout=600, stdout=subprocess.DEVNULL,
        env={
            "PATH": os.defpath, "HOME": str(here), "LANG": "C.UTF-8", "ANSIBLE_PIPELINING": "True"
        },
    )  # fmt: skip
    return time.monotonic() - begun


def run_ours(here: Path) -> float:
    from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
    from orchestrator.model.playbook import Ending, PlaybookHost, PlaybookJob

    job = PlaybookJob(
        playbook="bench.yml",
        hosts=tuple(PlaybookHost(name=name, login=None) for name in names()),
        variables={"place": f"{here}/place"},
        within_seconds=600,
        parallel=PARALLEL,
    )
    adapter = AnsiblePlaybooks(here / "runs", here / "playbooks", host_keys=here / "keys")
    begun = time.monotonic()
    result = adapter.run(job, watch=lambda event: None)
    seconds = time.monotonic() - begun
    assert result.ending is Ending.DONE, result
    return seconds


if __name__ == "__main__":
    main()
