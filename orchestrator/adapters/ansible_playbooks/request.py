"""What the adapter tells its supervisor: one line of JSON through a pipe, secrets included."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.model.playbook import Login, PlaybookHost, PlaybookJob
from orchestrator.model.units import Json, SecretRef

MARK = "ORCHESTRATOR_PLAYBOOK_RUN"
"""Stands in the environment of everything that a run starts; its value is the run's folder."""

PIN = Path(__file__).with_name("pin.py")

PYTHON = "/usr/bin/python3"
"""Where Debian, openEuler, Kylin and UOS have it. Ansible's own search takes a round trip for each
host, and finds what a user's shell puts in front."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One run, as the supervisor needs it."""

    playbooks: str
    """The folder of playbooks, which also holds their roles."""
    playbook: str
    work: str
    """A folder in memory that is gone after the run."""
    inventory: Mapping[str, Json]
    variables: Mapping[str, Json]
    secrets: Mapping[str, str]
    keys: Mapping[str, str]
    """Private keys by the file that Ansible is told: only the public half is ever in it."""
    check: bool
    parallel: int
    seconds: float

    def dumps(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> Request:
        """Read it back."""
        return cls(**json.loads(line))


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The folders of one run."""

    playbooks: Path
    work: Path
    host_keys: Path


def request_of(job: PlaybookJob, places: Places) -> Request:
    """Return what is sent to the supervisor; here secrets are opened."""
    key_files = {ref: f"{places.work}/key-{number}.pub" for number, ref in enumerate(job.keys)}
    return Request(
        playbooks=str(places.playbooks),
        playbook=job.playbook,
        work=str(places.work),
        inventory=_inventory(job.hosts, key_files, places),
        variables=dict(job.variables),
        secrets={name: secret.reveal() for name, secret in job.secrets.items()},
        keys={key_files[ref]: secret.reveal() for ref, secret in job.keys.items()},
        check=job.rehearse,
        parallel=job.parallel,
        seconds=job.within_seconds,
    )


def _inventory(
    hosts: tuple[PlaybookHost, ...], key_files: Mapping[SecretRef, str], places: Places
) -> dict[str, Json]:
    """Return a static inventory in the shape of Ansible's YAML inventories."""
    described: dict[str, Json] = {
        host.name: {
            "ansible_python_interpreter": PYTHON,
            **host.variables,
            **_connection(host, key_files, places),
        }
        for host in hosts
    }
    groups = sorted({group for host in hosts for group in host.groups})
    children: dict[str, Json] = {
        group: {"hosts": {host.name: None for host in hosts if group in host.groups}}
        for group in groups
    }
    return {"all": {"hosts": described, "children": children}}


def _connection(
    host: PlaybookHost, key_files: Mapping[SecretRef, str], places: Places
) -> dict[str, Json]:
    if host.login is None:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "ansible_remote_tmp": f"{places.work}/local",
        }
    return {
        "ansible_connection": "ssh",
        **_login(host.login, places.host_keys),
        "ansible_ssh_private_key_file": key_files[host.login.key],
    }


def _login(login: Login, host_keys: Path) -> dict[str, Json]:
    asked = [sys.executable, "-I", str(PIN), str(host_keys), login.pinned_as, "%H", "%t", "%K"]
    return {
        "ansible_host": login.address,
        "ansible_port": login.port,
        "ansible_user": login.user,
        "ansible_ssh_extra_args": shlex.join(["-o", f"KnownHostsCommand={' '.join(asked)}"]),
    }
