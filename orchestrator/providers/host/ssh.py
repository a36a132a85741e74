"""The host port over SSH, on the same connection that network devices are reached by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import HostError
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostFault, Ran
from orchestrator.model.network import DeviceLogin
from orchestrator.ports import SecretStore
from orchestrator.providers.host.keys import public_half

if TYPE_CHECKING:
    from orchestrator.providers.device.access import DeviceAccess, SshTarget
    from orchestrator.providers.device.faults import DeviceError

CONNECT_SECONDS = 10.0


@dataclass(kw_only=True)
class SshHosts:
    """The servers' hosts, at their declared addresses or where the endpoints say."""

    endpoints: Mapping[str, Any]
    secrets: SecretStore
    folder: Path
    """Where host keys are remembered."""

    def run(self, server: Server, command: str, *, within: float, given: str = "") -> Ran:
        """Run a shell command as root and return how it ended."""
        # paramiko takes a fifth of a second to import.
        from orchestrator.providers.device.faults import DeviceError
        from orchestrator.providers.device.shell import connected

        try:
            with connected(self.access(within), target_of(server)) as shell:
                ended = shell.ask(command, given=given)
        except DeviceError as error:
            raise host_error(error) from error
        return Ran(status=ended.status, out=ended.out, err=ended.err)

    def expect_new_key(self, server: Server) -> None:
        """Forget the pinned host key."""
        from orchestrator.providers.device.host_keys import PinnedHostKey

        PinnedHostKey(self.folder, target_of(server)).file.unlink(missing_ok=True)

    def public_key(self, server: Server) -> str:
        """Return the public half of the login's key."""
        return public_half(server.ssh.key, self.secrets.get(server.ssh.key))

    def access(self, within: float) -> DeviceAccess:
        """Return how hosts are reached; a command takes no longer than `within` seconds."""
        from orchestrator.providers.device.access import DeviceAccess, Limits

        limits = replace(Limits(), connect=min(CONNECT_SECONDS, within), command=within)
        return DeviceAccess(
            endpoints=self.endpoints, secrets=self.secrets, folder=self.folder, limits=limits
        )


def target_of(server: Server) -> SshTarget:
    """Return a server's host as SSH wants it. Raises HostError where it declares no address."""
    from orchestrator.providers.device.access import SshTarget

    if server.address is None:
        raise HostError(
            f"{server.name} declares no address of its own",
            fault=HostFault.UNDECLARED,
            remedy="Write its host's `address` into the site, beside its `bmc`.",
        )
    login = DeviceLogin(user=server.ssh.user, key=server.ssh.key)
    return SshTarget(name=server.name, address=str(server.address), login=login)


def host_error(error: DeviceError) -> HostError:
    """Return what a failed connection means of a host."""
    from orchestrator.providers.device.faults import DeviceFault

    faults = {
        DeviceFault.HOST_KEY: HostFault.HOST_KEY,
        DeviceFault.LOGIN: HostFault.LOGIN_REFUSED,
    }
    fault = faults.get(error.fault, HostFault.SILENT)
    return HostError(error.message, fault=fault, remedy=error.remedy)
