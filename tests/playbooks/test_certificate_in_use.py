"""A cluster reads its certificate again where it has not since that one came, and only then."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from orchestrator.workflows.playbook import PLAYBOOKS_FOLDER

(TASK,) = yaml.safe_load(
    (PLAYBOOKS_FOLDER / "roles/database_certificate/tasks/main.yml").read_text(encoding="utf-8")
)
SCRIPT = TASK["ansible.builtin.shell"]["cmd"]


def said(folder: Path, *, psql: str) -> list[str]:
    """Run the task's script where psql does this; return what it says."""
    tls, programs = folder / "tls", folder / "bin"
    (tls / "pair").mkdir(parents=True)
    (tls / "current").symlink_to("pair")
    for name in ("pair/server.crt", "pair/server.key", "ca.crt"):
        (tls / name).touch()
    os.utime(tls / "ca.crt", (0, 0))
    programs.mkdir()
    asked = folder / "asked"
    for name, body in {
        "pg_lsclusters": "echo '15 a__b 5501 online postgres'; echo '15 c__d 5502 down postgres'",
        "runuser": f'echo "$*" >>{asked}; {psql}',
        "pg_ctlcluster": ":",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    script = SCRIPT.replace("/etc/site-tls", str(tls))
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run(
        ["/bin/bash", "-c", script], env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    (question,) = asked.read_text().splitlines()
    key = (tls / "current/server.key").stat().st_ctime
    when = float(question.partition("to_timestamp(")[2].rstrip(")"))
    assert when == pytest.approx(key, abs=5) and "-p 5501" in question
    return done.stdout.splitlines()


@pytest.mark.parametrize("psql", ["echo t", "exit 2"])
def test_a_cluster_that_read_an_older_one_reads_it_again(psql: str, tmp_path: Path) -> None:
    assert said(tmp_path, psql=psql) == ["15/a__b reads it"]


def test_a_cluster_that_has_it_is_left_alone(tmp_path: Path) -> None:
    assert said(tmp_path, psql="echo f") == []


def test_it_is_asked_in_every_run_of_services() -> None:
    """Not only where a certificate came in the same run: that one may have been cut off."""
    tasks = yaml.safe_load(
        (PLAYBOOKS_FOLDER / "roles/postgresql/tasks/main.yml").read_text(encoding="utf-8")
    )
    (found,) = [
        one
        for one in tasks
        if one.get("ansible.builtin.import_role") == {"name": "database_certificate"}
    ]
    assert "when" not in found
