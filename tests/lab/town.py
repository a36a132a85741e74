"""A small site on the lab, driven as a person would: through the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from orchestrator.lab.settings import CLOUD
from tests.lab.running import RunningLab

SMALL_CITY = Path(__file__).parents[1] / "cases" / "_base"
PROGRAM = Path(sys.executable).with_name("orchestrator")
COMMAND_SECONDS = 240
ENVIRONMENT = os.environ  # noqa: TID251 - the tests' one door to settings

TENANTS = (
    ("education", "教育局", "Education Bureau", "schools", "10.1.2.0/24"),
    ("culture", "文广旅局", "Culture Bureau", "tourism", "10.1.3.0/24"),
)


class Town:
    """A copy of the small city with three tenants, under a name of its own."""

    def __init__(self, directory: Path, lab: RunningLab, *, prefix: str, number: int) -> None:
        """Write the site; prefix and number keep its things apart from other tests' things."""
        self.directory = directory
        self.lab = lab
        self.prefix = prefix
        shutil.copytree(SMALL_CITY, directory)
        (directory / "images").mkdir()
        (directory / "images" / "debian-12.raw").write_bytes(b"0")
        # What belongs to the whole cloud must not meet another test's.
        self._rename("system.yaml", "small", "city-az1", "tenants-v4", "city-pub", "debian-12")
        self._rename("system.yaml", "standard", "pub")
        self._rename("hardware.yaml", "cmp-{01..03}", "sto-{1..2}")
        self._replace("system.yaml", "address_scope: ", f"address_scope: {prefix}-")
        self._replace("hardware.yaml", "0c:42:a1:00", f"0c:42:a1:{number:02x}")
        self._replace("hardware.yaml", "serial: SN", f"serial: {prefix.upper()}")
        for file in ("system.yaml", "network.yaml"):
            self._replace(file, "vlan_id: 100", f"vlan_id: {100 + number}")
        self.edit("site.yaml", lambda site: site["site"].update(name=prefix))
        self.edit("tenancy.yaml", self._populate)
        self._replace("network.yaml", "project/industry/", f"project/{prefix}-industry/")
        self._replace("network.yaml", "owner: industry", f"owner: {prefix}-industry")
        self.tenants = tuple(f"{prefix}-{name}" for name in ("industry", *(t[0] for t in TENANTS)))

    def _rename(self, file: str, *names: str) -> None:
        for name in names:
            self._replace(file, f"name: {name}", f"name: {self.prefix}-{name}")

    def _replace(self, file: str, old: str, new: str) -> None:
        path = self.directory / file
        text = path.read_text()
        assert old in text, f"{file} no longer says {old}"
        path.write_text(text.replace(old, new))

    def _populate(self, layer: dict[str, Any]) -> None:
        (first,) = layer["tenants"]
        first["name"] = f"{self.prefix}-industry"
        for name, zh, en, project, prefix in TENANTS:
            display = {"zh": zh, "en": en}
            system = {**deepcopy(first["projects"][0]), "name": project, "prefix": prefix}
            layer["tenants"].append(
                {
                    **deepcopy(first),
                    "name": f"{self.prefix}-{name}",
                    "display": display,
                    "projects": [system],
                }
            )

    def edit(self, file: str, change: Any) -> None:
        """Change one file of the site as data."""
        path = self.directory / file
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True))

    def bring_up_lab(self) -> None:
        """Give each server of the site a BMC, and mend what does not run."""
        done = self.lab.orchestrator("up", str(self.directory))
        assert done.returncode == 0, done.stderr

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the site and wait for it."""
        return subprocess.run(
            self.line(*arguments),
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command on the site."""
        return subprocess.Popen(
            self.line(*arguments),
            env=self.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def killed_after(self, seconds: float, *arguments: str) -> bool:
        """Run a command and kill it hard after some time; say whether that cut it off."""
        process = self.start(*arguments)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=30)
            return True
        return False

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return what `orchestrator lab env` would set, and more."""
        settings = self.lab.settings
        return {
            **ENVIRONMENT,
            "OS_CLIENT_CONFIG_FILE": str(settings.clouds),
            "OS_CLOUD": CLOUD,
            "ORCHESTRATOR_ENDPOINTS": str(settings.endpoints),
            "ORCHESTRATOR_LAB_DIR": str(settings.directory),
            "ORCHESTRATOR_LAB_VENV": str(settings.venv),
            "COLUMNS": "120",
            **extra,
        }

    def line(self, *arguments: str) -> list[str]:
        """Return the command line of a command on the site."""
        command, *rest = arguments
        return [str(PROGRAM), command, str(self.directory), *rest]

    def plan(self) -> dict[str, Any]:
        """Return the plan as data."""
        planned = self.run("plan", "-o", "json")
        assert planned.returncode == 0, planned.stderr
        found: dict[str, Any] = json.loads(planned.stdout)
        return found

    def changes(self) -> list[tuple[str, str]]:
        """Return (action, resource) of everything that the plan would do."""
        return [
            (change["action"], change["name"])
            for step in self.plan()["steps"]
            for change in step["changes"]
        ]

    def inventory(self) -> dict[str, list[str]]:
        """Return the names of what the cloud has of this town, by kind: a duplicate shows twice."""
        cloud = self.lab.admin
        domains = {d.id: d.name for d in cloud.identity.domains() if self._is_ours(d.name)}
        projects = [p for p in cloud.identity.projects() if p.domain_id in domains]
        ours = {project.id: f"{domains[project.domain_id]}/{project.name}" for project in projects}
        found = {
            "domains": list(domains.values()),
            "projects": list(ours.values()),
            "groups": [
                f"{domains[g.domain_id]}/{g.name}"
                for g in cloud.identity.groups()
                if g.domain_id in domains
            ],
            "flavors": [f.name for f in cloud.compute.flavors() if self._is_ours(f.name)],
            "images": [i.name for i in cloud.image.images() if self._is_ours(i.name)],
            "nodes": [n.name for n in cloud.baremetal.nodes() if self._is_ours(n.name)],
        }
        for kind, listed in {
            "networks": cloud.network.networks,
            "subnets": cloud.network.subnets,
            "routers": cloud.network.routers,
            "security groups": cloud.network.security_groups,
        }.items():
            found[kind] = [
                f"{ours[thing.project_id]}/{thing.name}"
                for thing in listed()
                if thing.project_id in ours
            ]
        return {kind: sorted(names) for kind, names in found.items()}

    def _is_ours(self, name: str) -> bool:
        return name.startswith(f"{self.prefix}-")
