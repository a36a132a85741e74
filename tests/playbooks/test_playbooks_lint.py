"""Every playbook and role passes ansible-lint at its production profile."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER

JUDGED = (".ansible-lint", ".yml", ".yaml", ".j2")
CATALOGUE = "catalogue.yaml"
"""Ours, and not Ansible's."""
ROLES = sorted(path.name for path in (PLAYBOOKS_FOLDER / "roles").iterdir())


@pytest.mark.timeout(300)
def test_the_playbooks_pass_the_production_profile(tmp_path: Path) -> None:
    """All files are named: of a role's folder it would check the syntax once more by itself."""
    tools = Path(sys.executable).parent
    files = sorted(
        str(path.relative_to(PLAYBOOKS_FOLDER))
        for path in PLAYBOOKS_FOLDER.rglob("*")
        if path.name.endswith(JUDGED) and path.name != CATALOGUE
    )
    done = subprocess.run(
        [str(tools / "ansible-lint"), "-q", "--nocolor", "--strict", *files],
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


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_well_named(role: str) -> None:
    """What ansible-lint asks of a role's folder; all else it reads in the files."""
    assert re.fullmatch("[a-z][a-z0-9_]*", role)


def test_every_role_is_used_so_that_the_syntax_check_of_a_playbook_reads_it() -> None:
    playbooks = [path for path in PLAYBOOKS_FOLDER.glob("*/*.yml") if path.parent.name != "roles"]
    reached: set[str] = set()
    texts = playbooks
    while texts:
        found = {role for path in texts for role in named(yaml.safe_load(path.read_text()))}
        new = found - reached
        reached |= new
        texts = [
            path for role in new for path in (PLAYBOOKS_FOLDER / "roles" / role).rglob("*.yml")
        ]
    assert reached == set(ROLES)


def named(value: Any) -> Iterator[str]:
    """Yield the roles that a part of a playbook names."""
    if isinstance(value, list):
        for each in value:
            yield from named(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "role":
                yield each
            elif key == "roles":
                yield from (one for one in each if isinstance(one, str))
            elif key.endswith(("include_role", "import_role")):
                yield each["name"]
            yield from named(each)
