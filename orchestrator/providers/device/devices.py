"""The network devices of a site, read at once, and their backups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from orchestrator.errors import SecretError, StateError
from orchestrator.model.physical_slices import NetworkDeviceSlice
from orchestrator.ports.device import DeviceAnswer, KeptConfiguration
from orchestrator.providers.device.access import DeviceAccess
from orchestrator.providers.device.backups import BackupFolder
from orchestrator.providers.device.driver import Running
from orchestrator.providers.device.faults import DeviceError, fault_text
from orchestrator.providers.device.kinds import DEVICES_AT_ONCE, target_of
from orchestrator.providers.device.lines import Path, shown
from orchestrator.providers.device.platforms import driver_of
from orchestrator.providers.device.push import utc_now
from orchestrator.providers.device.scrub import scrubbed


@dataclass(frozen=True, slots=True)
class SshNetworkDevices:
    """Devices over SSH."""

    access: DeviceAccess

    def read(
        self,
        devices: Sequence[NetworkDeviceSlice],
        *,
        keep: bool = False,
        told: Callable[[DeviceAnswer], None] | None = None,
    ) -> tuple[DeviceAnswer, ...]:
        """Return what the devices run."""

        def one(device: NetworkDeviceSlice) -> DeviceAnswer:
            answer = self._read(device, keep=keep)
            if told is not None:
                told(answer)
            return answer

        with ThreadPoolExecutor(DEVICES_AT_ONCE, thread_name_prefix="device") as readers:
            return tuple(readers.map(one, devices))

    def backups(self) -> tuple[KeptConfiguration, ...]:
        """Return every backup."""
        return tuple(
            KeptConfiguration(name=each.name, device=each.device, taken=each.taken, when=each.when)
            for each in self._folder.all()
        )

    def backup_text(self, name: str) -> str:
        """Return a backup without its secrets."""
        for each in self._folder.all():
            if each.name == name:
                return scrubbed(each.text())
        raise StateError(
            f"there is no backup {name}", remedy="`orchestrator network backups` lists them."
        )

    @property
    def _folder(self) -> BackupFolder:
        return BackupFolder(self.access.folder / "backups")

    def _read(self, device: NetworkDeviceSlice, *, keep: bool) -> DeviceAnswer:
        target = target_of(asdict(device))
        driver = driver_of(target.platform)
        declared = driver.normal(device.text)
        try:
            with driver.connect(self.access, target) as session:
                whole = driver.read(session)
        except (DeviceError, SecretError) as error:
            return DeviceAnswer(name=device.name, platform=device.platform, fault=fault_text(error))
        running = driver.ours(whole, declared)
        return DeviceAnswer(
            name=device.name,
            platform=device.platform,
            declared=_shown(declared),
            running=_shown(running.lines),
            saved=running.saved,
            kept=self._kept(device.name, whole) if keep else "",
        )

    def _kept(self, name: str, running: Running) -> str:
        return self._folder.keep(name, running.text, when="taken", now=utc_now()).name


def _shown(lines: Sequence[Path]) -> tuple[str, ...]:
    return tuple(shown(path) for path in lines)
