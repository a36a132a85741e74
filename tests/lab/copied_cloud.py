"""A real Glance and Cinder with an image and a volume, and two real backup servers."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.lab.clouds import cloud_entry
from orchestrator.lab.settings import CLOUD
from orchestrator.planning.backup import subjects_of
from orchestrator.providers.backup.cloud import CloudThings
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.image_copy import GlanceImages
from orchestrator.spec.load import load_site
from tests.lab.running import RunningLab, wait_for
from tests.lab.service_town import PROGRAM, ServiceTown

IMAGE, VOLUME = "golden/copied-image", "disks/copied-disk"
NEAR, FAR = "bak-1", "dr-bak-1"
TENANT, PROJECT = "gongan", "population"
IMAGE_BYTES = 6 << 20
DISK_GIB = 3
"""Three MiB of bytes: the lab's volumes have one for each GiB."""
SETS = [
    {
        "name": "golden",
        "display": {"zh": "镜像", "en": "Images"},
        "policy": "core",
        "images": ["copied-image"],
    },
    {
        "name": "disks",
        "display": {"zh": "云硬盘", "en": "Volumes"},
        "policy": "core",
        "volumes": [{"name": "copied-disk", "tenant": TENANT, "project": PROJECT}],
    },
]


class CopiedCloud:
    """The city of services without its services: what is backed up is the cloud's."""

    def __init__(self, folder: Path, lab: RunningLab) -> None:
        """Write the site, boot the backup servers, and put something into the cloud."""
        self.lab = lab
        self.town = ServiceTown(folder)
        self._declare()
        self.town.up((NEAR, FAR))
        for host in (NEAR, FAR):
            self.town.await_host(host)
        self.image_bytes, self.disk_bytes = os.urandom(IMAGE_BYTES), os.urandom(DISK_GIB << 20)
        self._fill_cloud()

    def _declare(self) -> None:
        def edit(name: str, change: Any) -> None:
            path = self.town.directory / name
            layer = yaml.safe_load(path.read_text())
            change(layer)
            path.write_text(yaml.safe_dump(layer, allow_unicode=True))

        def another_image(layer: Any) -> None:
            layer["images"].append({**layer["images"][0], "name": "copied-image"})

        edit("tenancy/lab.yaml", lambda one: [t.pop("services", None) for t in one["tenants"]])
        edit("system/backup.yaml", lambda layer: layer.update(backup_sets=SETS))
        edit("system.yaml", another_image)

    def _fill_cloud(self) -> None:
        admin = self.lab.admin
        self._upload()
        self.domain = admin.identity.create_domain(name=TENANT)
        self.project = admin.identity.create_project(name=PROJECT, domain_id=self.domain.id)
        user = admin.identity.get_user(admin.current_user_id)
        member = admin.identity.find_role("member")
        admin.identity.assign_project_role_to_user(self.project, user, member)
        auth = dict.fromkeys(k for k in cloud_entry(self.lab.record)["auth"] if "project" in k)
        self.tenant = self.lab.connect(**{**auth, "project_id": self.project.id})
        disk = self.tenant.block_storage.create_volume(
            name="copied-disk", size=DISK_GIB, metadata={"kept": "yes"}
        )
        self.disk = wait_for(
            lambda: self.tenant.block_storage.get_volume(disk.id), lambda v: v.status == "available"
        )
        self.file_of(disk.id).write_bytes(self.disk_bytes)

    def _upload(self) -> None:
        self.image = self.lab.admin.image.create_image(
            name="copied-image",
            disk_format="raw",
            container_format="bare",
            visibility="public",
            data=self.image_bytes,
            tags=["golden"],
            min_disk=2,
            hw_disk_bus="virtio",
        )

    def image_of(self, count: int) -> None:
        """Put an image of so many bytes in the place of the one that is there."""
        self.lab.admin.image.delete_image(self.image)
        self.image_bytes = os.urandom(count)
        self._upload()

    def stored_bytes(self) -> int:
        """Return how much Glance has on its disk."""
        folder = self.lab.settings.directory / "var" / "glance"
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

    def newest(self, subject: str, repository: str) -> str:
        """Return the run of the newest copy."""
        (listed,) = self.told("backup", "list", subject, "--repository", repository)["subjects"]
        return str(listed["newest"]["run"])

    def back_up_as_of(self, name: str, repository: str, *, run: str, at: datetime) -> None:
        """Copy an image as if that had been at another time."""
        site = load_site(self.town.directory).site
        wiring = MachineWiring(self.environment())
        engine = wiring.backups(self.town.directory, site, access=Access()).engine
        things = engine.of_cloud()
        assert isinstance(things, CloudThings)
        # OpenStack's clients look for clouds.yaml in this process's environment.
        with closing(
            Cloud(CLOUD, site=site.name, config_files=[self.lab.settings.clouds])
        ) as opened:
            images = GlanceImages(opened)
            subject = next(one for one in subjects_of(site) if one.name == name)
            store = engine.stores[repository]
            copy = replace(things, images=images).back_up(subject, store=store, run=run, at=at)
        assert copy.whole

    def file_of(self, volume_id: str) -> Path:
        """Return where the lab keeps a volume's bytes."""
        (found,) = self.lab.settings.directory.rglob(f"volume-{volume_id}")
        return found

    def forget(self) -> None:
        """Take away what was put into the cloud."""
        admin = self.lab.admin
        for image in admin.image.images():
            if image.name.startswith(("copied-image", "orchestrator-")):
                admin.image.delete_image(image)
        for volume in admin.block_storage.volumes(all_projects=True):
            if volume.name.startswith(("copied-disk", "orchestrator-")):
                admin.block_storage.delete_volume(volume)
        admin.identity.delete_project(self.project)
        admin.identity.update_domain(self.domain, is_enabled=False)
        admin.identity.delete_domain(self.domain)

    def temporary(self) -> list[str]:
        """Return the names of all that a backup or a restore made on its way."""
        admin = self.lab.admin
        names = [
            *(one.name for one in admin.image.images()),
            *(one.name for one in admin.block_storage.volumes(all_projects=True)),
            *(one.name for one in admin.block_storage.snapshots(all_projects=True)),
        ]
        return sorted(name for name in names if name and name.startswith("orchestrator-"))

    def environment(self) -> dict[str, str]:
        """Return what the command line needs to find the hosts and the cloud."""
        clouds = str(self.lab.settings.clouds)
        return self.town.environment({"OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": CLOUD})

    def words(self, *arguments: str) -> list[str]:
        """Return the command line for this site."""
        return [str(PROGRAM), *arguments, "--site", str(self.town.directory)]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it, and wait for it."""
        return subprocess.run(
            self.words(*arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def told(self, *arguments: str, code: int = 0) -> Any:
        """Run it, expect its exit code, and return its JSON."""
        done = self.run(*arguments, "-o", "json")
        assert done.returncode == code, done.stderr + done.stdout
        return json.loads(done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it, to be killed or cut off."""
        return subprocess.Popen(
            self.words(*arguments),
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def on(self, host: str, command: str) -> str:
        """Run a command on a backup server, as root, and expect it to work."""
        return self.town.on(host, command)

    def address(self, host: str) -> str:
        """Return where a backup server really is."""
        places = json.loads(self.town.settings.endpoints.read_text())["ssh"]
        return str(places[str(self.town.server(host).address)]["host"])
