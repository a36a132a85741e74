"""Ironic's deploy interface of the lab: the image becomes the disk of the server's host.

What an agent on the server's own disk does elsewhere is done by the supervisor of the hosts; power
and boot device go through Redfish, as everywhere.
"""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from typing import Any, ClassVar

from ironic.common import boot_devices, exception, image_service, states
from ironic.conductor import utils
from ironic.drivers import base
from ironic.drivers.redfish import RedfishHardware

from labcloud.hosts import UNPACK_SECONDS, Hosts, HostsError

CLOUD_CONFIG = "#cloud-config"

_fetching = threading.Lock()


def install(hosts: Hosts, images: Path) -> None:
    """Let servers be deployed this way where nothing else is asked for."""
    HostDeploy.hosts = hosts
    HostDeploy.images = images
    usual = RedfishHardware.supported_deploy_interfaces.fget

    def supported(self: RedfishHardware) -> list[type[base.DeployInterface]]:
        return [HostDeploy, *usual(self)]

    RedfishHardware.supported_deploy_interfaces = property(supported)


class HostDeploy(base.DeployInterface):
    """Writes an image of Glance to the disk of a host."""

    hosts: ClassVar[Hosts]
    images: ClassVar[Path]
    """Where images are kept while hosts are written from them."""

    def get_properties(self) -> dict[str, str]:
        """Return no properties: it needs none."""
        return {}

    def validate(self, task: Any) -> None:  # noqa: ANN401 - Ironic has no types
        """Refuse before anything is done."""
        node = task.node
        if node.name not in self.hosts.names:
            raise exception.InvalidParameterValue(
                f"{node.name} has no host in this lab: only its BMC is there. "
                f"Boot it with: orchestrator lab up SITE --hosts={node.name}"
            )
        if not node.instance_info.get("image_source"):
            raise exception.MissingParameterValue("instance_info has no image_source")

    def prepare(self, task: Any) -> None:  # noqa: ANN401 - Ironic has no types
        """Do nothing."""

    def clean_up(self, task: Any) -> None:  # noqa: ANN401 - Ironic has no types
        """Do nothing."""

    def take_over(self, task: Any) -> None:  # noqa: ANN401 - Ironic has no types
        """Do nothing."""

    def tear_down(self, task: Any) -> str:  # noqa: ANN401 - Ironic has no types
        """Switch the host off; its disk stays as it is until it is written again."""
        utils.node_power_action(task, states.POWER_OFF)
        return states.DELETED

    @base.deploy_step(priority=100)
    def deploy(self, task: Any) -> None:  # noqa: ANN401 - Ironic has no types
        """Write the disk, and boot from it."""
        image = self._fetched(task)
        identity = _identity(task.node)
        try:
            # What it would refuse, it refuses here: the host goes on running.
            self.hosts.ask("layer", task.node.name, within=UNPACK_SECONDS, image=image)
            utils.node_power_action(task, states.POWER_OFF)
            self.hosts.ask("write", task.node.name, image=image, identity=identity)
        except HostsError as refused:
            raise exception.InstanceDeployFailure(str(refused)) from refused
        utils.node_set_boot_device(task, boot_devices.DISK, persistent=True)
        utils.node_power_action(task, states.POWER_ON)

    def _fetched(self, task: Any) -> dict[str, str]:  # noqa: ANN401 - Ironic has no types
        """Return the image and the file that holds its content, fetched once."""
        href = task.node.instance_info["image_source"]
        service = image_service.get_image_service(href, context=task.context)
        told = service.show(href)
        file = self.images / str(told["id"])
        with _fetching:
            if not file.exists():
                draft = file.with_suffix(".draft")
                with draft.open("wb") as content:
                    service.download(href, content)
                draft.rename(file)
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        properties = told.get("properties", {})
        return {
            "name": str(told.get("name", "")),
            "distro": str(properties.get("os_distro", "")),
            "version": str(properties.get("os_version", "")),
            "sha256": sha256,
            "file": str(file),
        }


def _identity(node: Any) -> dict[str, Any]:  # noqa: ANN401 - Ironic has no types
    """Return who the host is to be, as the configuration drive tells cloud-init elsewhere."""
    drive = node.instance_info.get("configdrive")
    if not isinstance(drive, dict):
        raise exception.InstanceDeployFailure("the lab wants a configuration drive as a mapping")
    meta = drive.get("meta_data") or {}
    told = drive.get("user_data") or ""
    config = json.loads(told.removeprefix(CLOUD_CONFIG)) if told else {}
    (user, *_) = config.get("users") or [{"name": "root"}]
    return {
        "hostname": meta.get("local-hostname") or meta.get("hostname") or node.name,
        "user": user["name"],
        "keys": user.get("ssh_authorized_keys", []),
        "files": {file["path"]: file["content"] for file in config.get("write_files", [])},
    }
