"""The services' databases: SQLite files with each project's own schema in them."""

from __future__ import annotations

import getpass
import grp
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.configs.shared import Lab
from orchestrator.lab.logs import last_lines
from orchestrator.lab.service_files import config_file, process_environment
from orchestrator.lab.settings import REGION

PREPARE_SECONDS = 600

Command = Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How a service's databases are made: its manage tool and the commands for it."""

    databases: tuple[str, ...]
    tool: str
    commands: tuple[Command, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def prepare_databases(lab: Lab, service: str) -> bool:
    """Make the databases of a service, unless they are complete; say whether they were made.

    A killed preparation leaves no marker: what it left is removed and made again.
    """
    recipe = RECIPES.get(service)
    marker = lab.settings.databases / f"{service}.ready"
    if recipe is None or marker.exists():
        return False
    preparation = recipe(lab)
    for name in preparation.databases:
        _make_file(lab.settings.databases / f"{name}.db")
    _run(lab, service, preparation)
    marker.touch()
    return True


def _make_file(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    # The mode stays in the file: readers do not wait for a writer, nor it for them.
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    file.chmod(0o600)


def _run(lab: Lab, service: str, preparation: Preparation) -> None:
    log = lab.settings.logs / f"{service}.init.log"
    python = str(lab.settings.venv / "bin/python")
    arguments = [preparation.tool, json.dumps([list(line) for line in preparation.commands])]
    with log.open("w") as output:
        try:
            status = subprocess.run(  # noqa: S603 - our own argument list, no shell
                [python, "-m", "labcloud.manage", *arguments],
                env=process_environment(lab.settings, service) | dict(preparation.environment),
                cwd=lab.settings.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=PREPARE_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    if status:
        raise LabError(
            f"the database of {service} could not be made; the end of {log}:\n{last_lines(log)}",
            remedy="Run: orchestrator lab reset, then: orchestrator lab up",
        )


def _config(lab: Lab, service: str) -> tuple[str, str]:
    return "--config-file", str(config_file(lab.settings, service))


def _keystone(lab: Lab) -> Preparation:
    config = _config(lab, "keystone")
    owner = ("--keystone-user", getpass.getuser())
    group = ("--keystone-group", grp.getgrgid(os.getgid()).gr_name)
    url = f"{lab.record.url('keystone')}/v3"
    urls = [f"--bootstrap-{interface}-url={url}" for interface in ("admin", "public", "internal")]
    return Preparation(
        databases=("keystone",),
        tool="keystone.cmd.cli",
        commands=(
            (*config, "db_sync"),
            (*config, "fernet_setup", *owner, *group),
            (*config, "credential_setup", *owner, *group),
            (*config, "bootstrap", "--bootstrap-region-id", REGION, *urls),
        ),
        # In the environment, because everybody can read a command line.
        environment={"OS_BOOTSTRAP_PASSWORD": lab.record.password.reveal()},
    )


def _placement(lab: Lab) -> Preparation:
    return Preparation(
        databases=("placement",),
        tool="placement.cmd.manage",
        commands=((*_config(lab, "placement"), "db", "sync"),),
    )


def _glance(lab: Lab) -> Preparation:
    return Preparation(
        databases=("glance",),
        tool="glance.cmd.manage",
        commands=((*_config(lab, "glance"), "db_sync"),),
    )


def _neutron(lab: Lab) -> Preparation:
    return Preparation(
        databases=("neutron",),
        tool="labcloud.neutron_schema",
        commands=((lab.database_url("neutron"), *_config(lab, "neutron")),),
    )


def _nova(lab: Lab) -> Preparation:
    config = _config(lab, "nova")
    cell0 = ("--database_connection", lab.database_url("nova_cell0"))
    cell1 = ("--database_connection", lab.database_url("nova_cell1"))
    return Preparation(
        databases=("nova_api", "nova_cell0", "nova_cell1"),
        tool="nova.cmd.manage",
        commands=(
            (*config, "api_db", "sync"),
            (*config, "cell_v2", "map_cell0", *cell0),
            (*config, "cell_v2", "create_cell", "--name=cell1", *cell1, "--transport-url=fake://"),
            (*config, "db", "sync"),
        ),
    )


def _cinder(lab: Lab) -> Preparation:
    return Preparation(
        databases=("cinder",),
        tool="cinder.cmd.manage",
        commands=((*_config(lab, "cinder"), "db", "sync"),),
    )


def _ironic(lab: Lab) -> Preparation:
    # `upgrade` would run migrations that SQLite cannot do.
    return Preparation(
        databases=("ironic",),
        tool="ironic.command.dbsync",
        commands=((*_config(lab, "ironic"), "create_schema"),),
    )


RECIPES: Mapping[str, Callable[[Lab], Preparation]] = {
    "keystone": _keystone,
    "placement": _placement,
    "glance": _glance,
    "neutron": _neutron,
    "nova": _nova,
    "cinder": _cinder,
    "ironic": _ironic,
}
