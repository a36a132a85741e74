"""A Cinder driver that keeps each volume as a sparse file; needs no root and no tools."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from cinder import exception, interface
from cinder.volume import configuration, driver
from oslo_config import cfg

OPTIONS = [
    cfg.StrOpt("lab_volume_dir", help="Folder of the volumes."),
    cfg.IntOpt("lab_capacity_gb", default=200_000, help="What the backend says it can hold."),
    # Not the real size: a backup reads the whole file, and 2 real GiB took 50 s.
    cfg.IntOpt("lab_bytes_per_gb", default=1 << 20, help="File bytes per GiB of a volume."),
]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class LabVolumeDriver(driver.VolumeDriver):
    """Volumes as files in one folder."""

    VERSION = "1.0"
    CI_WIKI_NAME = "none"

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Cinder's signature
        """Take Cinder's configuration."""
        super().__init__(*args, **options)
        self.configuration.append_config_values(OPTIONS)
        self._folder = Path(self.configuration.lab_volume_dir)

    @staticmethod
    def get_driver_options() -> list[cfg.Opt]:
        """Return the driver's own options."""
        return OPTIONS

    def do_setup(self, context: object) -> None:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self) -> None:
        """Accept: a folder cannot be set up wrongly."""

    def create_volume(self, volume: Any) -> None:  # noqa: ANN401 - a Cinder object, here and below
        """Make an empty volume."""
        self._grow(volume.name, volume.size)

    def delete_volume(self, volume: Any) -> None:  # noqa: ANN401 - see create_volume
        """Remove a volume; one that is gone is fine."""
        (self._folder / volume.name).unlink(missing_ok=True)

    def create_snapshot(self, snapshot: Any) -> None:  # noqa: ANN401 - see create_volume
        """Copy the volume."""
        self._copy(snapshot.volume_name, snapshot.name, snapshot.volume_size)

    def delete_snapshot(self, snapshot: Any) -> None:  # noqa: ANN401 - see create_volume
        """Remove a snapshot; one that is gone is fine."""
        (self._folder / snapshot.name).unlink(missing_ok=True)

    def create_volume_from_snapshot(
        self,
        volume: Any,  # noqa: ANN401 - see create_volume
        snapshot: Any,  # noqa: ANN401 - see create_volume
    ) -> None:
        """Copy the snapshot."""
        self._copy(snapshot.name, volume.name, volume.size)

    def create_cloned_volume(
        self,
        volume: Any,  # noqa: ANN401 - see create_volume
        src_vref: Any,  # noqa: ANN401 - see create_volume
    ) -> None:
        """Copy another volume."""
        self._copy(src_vref.name, volume.name, volume.size)

    def extend_volume(self, volume: Any, new_size: int) -> None:  # noqa: ANN401 - see create_volume
        """Grow a volume."""
        self._grow(volume.name, new_size)

    def copy_image_to_volume(  # noqa: PLR0917 - Cinder's signature
        self,
        context: object,
        volume: Any,  # noqa: ANN401 - see create_volume
        image_service: Any,  # noqa: ANN401 - see create_volume
        image_id: str,
        disable_sparse: bool = False,
    ) -> None:
        """Download an image into a volume."""
        with (self._folder / volume.name).open("r+b") as file:
            image_service.download(context, image_id, file)
        self._grow(volume.name, volume.size)

    def copy_volume_to_image(  # noqa: PLR0917 - Cinder's signature
        self,
        context: object,
        volume: Any,  # noqa: ANN401 - see create_volume
        image_service: Any,  # noqa: ANN401 - see create_volume
        image_meta: Any,  # noqa: ANN401 - see create_volume
    ) -> None:
        """Upload a volume as an image, byte by byte: raw is the only format here."""
        with (self._folder / volume.name).open("rb") as file:
            image_service.update(context, image_meta["id"], {}, file)

    def ensure_export(self, context: object, volume: object) -> None:
        """Do nothing: a file needs no export."""

    def create_export(self, context: object, volume: object, connector: object) -> None:
        """Do nothing: a file needs no export."""

    def remove_export(self, context: object, volume: object) -> None:
        """Do nothing: a file needs no export."""

    def initialize_connection(self, volume: Any, connector: object) -> dict[str, object]:  # noqa: ANN401 - see create_volume
        """Say where the file is."""
        data = {
            "device_path": str(self._folder / volume.name),
            "volume_id": volume.id,
            "access_mode": "rw",
        }
        return {"driver_volume_type": "local", "data": data}

    def terminate_connection(self, volume: object, connector: object, **_: object) -> None:
        """Do nothing: a file needs no connection."""

    def _grow(self, name: str, gib: int) -> None:
        with (self._folder / name).open("ab") as file:
            wanted = gib * self.configuration.lab_bytes_per_gb
            file.truncate(max(file.tell(), wanted))

    def _copy(self, source: str, target: str, gib: int) -> None:
        if not (self._folder / source).exists():
            raise exception.VolumeBackendAPIException(data=f"{source} does not exist")
        subprocess.run(  # noqa: S603 - fixed program, our own file names
            ["cp", "--sparse=always", self._folder / source, self._folder / target],  # noqa: S607 - see above
            check=True,
            timeout=600,
        )
        self._grow(target, gib)

    def _update_volume_stats(self) -> None:
        used_bytes = sum(file.stat().st_size for file in self._folder.iterdir())
        used = used_bytes // self.configuration.lab_bytes_per_gb
        capacity = self.configuration.lab_capacity_gb
        pool = {
            "pool_name": "lab",
            "total_capacity_gb": capacity,
            "free_capacity_gb": capacity - used,
            "reserved_percentage": 0,
            "multiattach": True,
            "QoS_support": False,
            "thin_provisioning_support": True,
            "thick_provisioning_support": False,
            "max_over_subscription_ratio": "20.0",
            "provisioned_capacity_gb": used,
        }
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name") or "lab",
            "vendor_name": "lab",
            "driver_version": self.VERSION,
            "storage_protocol": "local",
            "pools": [pool],
        }
