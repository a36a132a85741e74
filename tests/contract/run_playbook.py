"""Run one playbook in a process of its own, to be killed: FOLDER, which holds all it needs."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.adapters.ansible_playbooks.runs import AnsiblePlaybooks
from orchestrator.model.playbook import PlaybookEvent, PlaybookHost, PlaybookJob
from orchestrator.model.units import Secret


def say(event: PlaybookEvent) -> None:
    sys.stdout.write(f"{event}\n")
    sys.stdout.flush()


def main(folder: Path, canary_file: Path) -> None:
    canary = canary_file.read_text()
    canary_file.unlink()
    AnsiblePlaybooks(folder / "runs", folder / "playbooks", host_keys=folder / "keys").run(
        PlaybookJob(
            playbook="canary.yml",
            hosts=(PlaybookHost(name="one", login=None),),
            variables={"place": str(folder / "place")},
            secrets={"password": Secret(canary)},
            within_seconds=60,
        ),
        watch=say,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
