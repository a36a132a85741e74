"""The city of services on a lab that has a cloud: databases and compute hosts side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.lab.settings import CLOUD
from tests.lab.rolling_city import add_client
from tests.lab.running import RunningLab, wait_for
from tests.lab.service_town import ServiceTown

COMPUTES = ("cmp-01", "cmp-02")
"""Nova has the first two of a region; the third one takes nothing."""
BMCS = 'bmc: {address: "10.9.0.{11..13}", user: orchestrator, password: secret://bmc/city}'
ADDRESSES = '\n    address: "10.9.2.{71..73}"'
INSTANCE = "whole-city-web"
LEFT_OUT = ("ziran", "caizheng", "fagai", "zhengwu")
"""Tenants; the other two have their primaries on two hosts."""


class WholeCity(ServiceTown):
    """A service town whose hosts belong to a lab with a cloud."""

    def __init__(self, folder: Path, lab: RunningLab) -> None:
        """Write the site, with addresses for its first compute hosts and a host for a client."""
        super().__init__(folder)
        self.lab, self.settings = lab, lab.settings
        file = self.directory / "hardware.yaml"
        assert BMCS in file.read_text()
        file.write_text(file.read_text().replace(BMCS, BMCS + ADDRESSES))
        self.leave_out(LEFT_OUT)
        add_client(self)

    def up(self, names: Sequence[str]) -> None:
        """Boot these hosts; Nova gets its compute hosts."""
        self._lab_up(",".join(names))

    def down(self) -> None:
        """Take the hosts away; the lab stays."""
        self._lab_up("none")

    def _lab_up(self, hosts: str) -> None:
        done = self.lab.orchestrator("up", str(self.directory), f"--hosts={hosts}")
        assert done.returncode == 0, done.stderr

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return what the command line needs to find hosts and cloud."""
        cloud = {"OS_CLIENT_CONFIG_FILE": str(self.settings.clouds), "OS_CLOUD": CLOUD}
        return super().environment({**cloud, **extra})

    def status_of(self, host: str) -> str:
        """Say whether Nova places something on a host."""
        services = self.lab.admin.compute.services(binary="nova-compute")
        return next(str(one.status) for one in services if one.host == host)

    @contextmanager
    def instance(self, host: str) -> Iterator[Any]:
        """Let an instance run on a compute host."""
        cloud = self.lab.admin
        image = cloud.image.create_image(
            name=INSTANCE, disk_format="raw", container_format="bare", data=b"0"
        )
        flavor = cloud.compute.create_flavor(name=INSTANCE, ram=512, vcpus=1, disk=1)
        made = cloud.compute.create_server(
            name=INSTANCE, flavor_id=flavor.id, image_id=image.id, networks="none", host=host
        )
        try:
            yield wait_for(
                lambda: cloud.compute.get_server(made.id), lambda one: one.status == "ACTIVE"
            )
        finally:
            cloud.compute.delete_server(made.id)
            cloud.compute.wait_for_delete(made)
            cloud.compute.delete_flavor(flavor.id)
            cloud.image.delete_image(image.id)
