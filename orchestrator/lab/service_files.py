"""What the services read: their configurations, and what tells each process what to serve."""

from __future__ import annotations

import hashlib
import json
import shlex
import uuid
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from orchestrator.lab.configs import bmc as bmc_config
from orchestrator.lab.configs import snmp as snmp_config
from orchestrator.lab.configs.ini import render
from orchestrator.lab.configs.shared import Lab
from orchestrator.lab.configs.snmp import NO_SNMP, SnmpContents
from orchestrator.lab.hosts.network import socket_path
from orchestrator.lab.hosts.record import HostsRecord
from orchestrator.lab.record import write_private
from orchestrator.lab.settings import SERVICES, BmcSpec, LabSettings

CODE = Path(__file__).with_name("services")
"""Goes on the services' PYTHONPATH."""

THREADS: Mapping[str, int] = {"bmc": 24, "ironic": 16}
"""Threads that serve requests, where it is not DEFAULT_THREADS."""

DEFAULT_THREADS = 8

ENTRY_POINTS = """\
[ironic.hardware.interfaces.deploy]
lab = labcloud.host_deploy:HostDeploy

[neutron.ml2.mechanism_drivers]
lab = labcloud.ml2:LabMechanismDriver
"""


def write_service_files(
    lab: Lab,
    bmcs: Sequence[BmcSpec],
    computes: Sequence[str],
    *,
    snmp: SnmpContents = NO_SNMP,
    hosts: HostsRecord | None = None,
) -> Mapping[str, str]:
    """Write everything that the services read; return a digest of it for each service.

    A service whose digest is not the one that it was started with needs a restart.
    """
    options: Mapping[str, Mapping[str, object]] = {
        "nova": {"computes": list(computes)},
        "bmc": {
            "files": str(lab.data("ironic") / "http"),
            "state": str(lab.data("bmc")),
            "power_delay_seconds": lab.settings.power_delay_seconds,
            **_host_options(lab, hosts),
        },
        "ironic": _host_options(lab, hosts),
        "snmp": {"state": str(lab.data("snmp"))},
    }
    _write_shared_files(lab.settings)
    code = _code_digest()
    digests = {}
    for service in SERVICES:
        texts = (
            code,
            _write_config(lab, service, bmcs, snmp=snmp),
            _write_start_file(lab, service, options.get(service, {})),
        )
        digests[service] = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    return digests


def _host_options(lab: Lab, hosts: HostsRecord | None) -> dict[str, object]:
    """Return how a service reaches the supervisor of the hosts; nothing where there are none."""
    if hosts is None:
        return {}
    return {
        "hosts_socket": str(socket_path(lab.settings.directory)),
        "hosts": [host.spec.name for host in hosts.hosts],
    }


def start_file(settings: LabSettings, service: str) -> Path:
    """Return the file that tells a service process what to serve."""
    return settings.config / service / "start.json"


def config_file(settings: LabSettings, service: str) -> Path:
    """Return a service's configuration file."""
    name: str = _module(service).FILE
    return settings.config / service / name


def process_environment(settings: LabSettings, service: str) -> dict[str, str]:
    """Return the environment of a service's processes; nothing of the caller's is in it.

    PATH holds only folders that every user can read: OpenStack stumbles over others.
    """
    return _config_variables(settings, service) | {
        "PATH": f"{settings.venv}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        f":{settings.directory}/bin",
        "PYTHONPATH": f"{CODE}:{settings.directory}/python",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
        "HOME": str(settings.directory),
        "TMPDIR": str(settings.data / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # numpy's threads and glibc's arenas cost memory in every one of eight processes.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        # All requests go to 127.0.0.1.
        "NO_PROXY": "*",
    }


def _config_variables(settings: LabSettings, service: str) -> dict[str, str]:
    """Return how a project's WSGI application is told where its configuration is."""
    prefix = f"OS_{service.upper()}"
    folder = str(settings.config / service)
    match service:
        case "keystone" | "neutron":
            return {
                f"{prefix}_CONFIG_DIR": folder,
                f"{prefix}_CONFIG_FILES": config_file(settings, service).name,
            }
        case "nova":
            # The first of the files is the one for the Paste pipeline.
            paste = settings.venv / "etc/nova/api-paste.ini"
            return {
                f"{prefix}_CONFIG_DIR": folder,
                f"{prefix}_CONFIG_FILES": f"{paste};{config_file(settings, service).name}",
                f"{prefix}_DISABLE_EVENTLET_PATCHING": "true",
            }
        case "cinder":
            return {f"{prefix}_DISABLE_EVENTLET_PATCHING": "true"}
        case _:
            return {f"{prefix}_CONFIG_DIR": folder}


def _module(service: str) -> ModuleType:
    return import_module(f"orchestrator.lab.configs.{service}")


def _write_config(lab: Lab, service: str, bmcs: Sequence[BmcSpec], *, snmp: SnmpContents) -> str:
    if service == "bmc":
        text = bmc_config.render_bmcs(bmcs, salt=lab.record.salt)
        (lab.data("bmc")).mkdir(parents=True, exist_ok=True)
    elif service == "snmp":
        text = snmp_config.render_devices(snmp)
        lab.data("snmp").mkdir(parents=True, exist_ok=True)
    else:
        module = _module(service)
        text = render(module.sections(lab))
        lab.data(service).mkdir(parents=True, exist_ok=True)
        for folder in module.FOLDERS:
            (lab.data(service) / folder).mkdir(exist_ok=True)
    write_private(config_file(lab.settings, service), text)
    return text


def _write_start_file(lab: Lab, service: str, options: Mapping[str, object]) -> str:
    content = {
        "service": service,
        "config": str(lab.settings.config / service),
        "port": lab.record.ports[service],
        "access_log": str(lab.settings.logs / f"{service}.access.log"),
        "threads": THREADS.get(service, DEFAULT_THREADS),
        "options": options,
    }
    text = json.dumps(content, indent=1)
    write_private(start_file(lab.settings, service), text)
    return text


def _write_shared_files(settings: LabSettings) -> None:
    for folder in (settings.logs, settings.run, settings.databases):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "locks"):
        (settings.data / name).mkdir(parents=True, exist_ok=True)
    # The drivers' entry points, as if the lab's code were an installed distribution.
    distribution = settings.directory / "python/labcloud-1.0.dist-info"
    distribution.mkdir(parents=True, exist_ok=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: labcloud\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text(ENTRY_POINTS)
    stand_in = settings.directory / "bin/qemu-img"
    stand_in.parent.mkdir(exist_ok=True)
    python = shlex.quote(str(settings.venv / "bin/python"))
    stand_in.write_text(f'#!/bin/sh\nexec {python} -m labcloud.qemu_img "$@"\n')
    stand_in.chmod(0o755)
    # Nova refuses to start a known compute host without it.
    identity = settings.data / "nova/compute_id"
    identity.parent.mkdir(parents=True, exist_ok=True)
    if not identity.exists():
        identity.write_text(str(uuid.uuid4()))
    # An Ironic without a policy file searches for one at every single check of a permission:
    # a sixth of its CPU while a city is enrolled.
    (settings.data / "ironic/policy.d").mkdir(parents=True, exist_ok=True)
    (settings.data / "ironic/policy.yaml").write_text("{}\n")
    boot_files = settings.data / "ironic/http"
    boot_files.mkdir(parents=True, exist_ok=True)
    for name in ("kernel", "ramdisk", "boot.iso"):
        # Ironic checks that they are there; nothing ever boots them.
        (boot_files / name).write_bytes(b"lab " * 256)


def _code_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(CODE.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
