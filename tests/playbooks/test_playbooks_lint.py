"""Every playbook and role passes ansible-lint at its production profile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER


@pytest.mark.timeout(300)
def test_the_playbooks_pass_the_production_profile(tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    done = subprocess.run(
        [str(tools / "ansible-lint"), "-q", "--nocolor", "--strict"],
        cwd=PLAYBOOKS_FOLDER,
        env={
            "PATH": f"{tools}:/usr/bin:/bin",
            "HOME": str(tmp_path),  # its cache does not go into the checkout
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "LANG": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
