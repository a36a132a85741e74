"""A service with a continuous archive, on a town of its own: one tenant, one database."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.lab.service_town import ServiceTown

SERVICE, CLUSTER, PORT, DATABASE = (
    "zhengwu/certificates",
    "zhengwu__certificates",
    5506,
    "certificates",
)
PRIMARY, NEAR, FAR, SPARE = "db-2", "bak-1", "dr-bak-1", "dr-spare-1"
HOSTS = (PRIMARY, "db-1", "dr-db-1", NEAR, FAR, SPARE)
OTHERS = ("gongan", "shijian", "ziran", "caizheng", "fagai")
ARCHIVE = f"/srv/backup/.archive/{CLUSTER}"
POLICY = {
    "name": "continuous",
    "grade": 5,
    "rpo_minutes": 10,
    "rto_minutes": 120,
    "method": "continuous",
    "archive_seconds": 5,
    "keep_days": 180,
    "copies": ["city", "dr"],
    "drill_every_days": 30,
}
HOST_SECONDS = 120.0


class ArchivedService:
    """The town, its command line, and SQL at the primary."""

    def __init__(self, folder: Path) -> None:
        """Take a town in a folder; `make` brings it up."""
        self.town = ServiceTown(folder)

    def make(self) -> None:
        """Boot the hosts, bring the service to them, and make its archive."""
        self.town.leave_out(OTHERS)
        self._give_policy()
        self.town.up(HOSTS)
        for host in HOSTS:
            self.town.await_host(host, within=HOST_SECONDS)
        for words in (("service", "apply"), ("backup", "prepare")):
            self.told(*words, "--yes")
        self.told("backup", "run", SERVICE)

    def _give_policy(self) -> None:
        site = self.town.directory
        system = yaml.safe_load((site / "system" / "lab.yaml").read_text())
        system["backup_policies"].append(POLICY)
        (site / "system" / "lab.yaml").write_text(yaml.safe_dump(system, allow_unicode=True))
        tenancy = yaml.safe_load((site / "tenancy" / "lab.yaml").read_text())
        (tenant,) = (one for one in tenancy["tenants"] if one["name"] == "zhengwu")
        tenant["projects"][0]["backup"] = "continuous"
        (site / "tenancy" / "lab.yaml").write_text(yaml.safe_dump(tenancy, allow_unicode=True))

    def on(self, host: str, command: str, *, given: str = "") -> str:
        """Run a command on a host, as root, and expect it to work."""
        return self.town.on(host, command, given=given, within=HOST_SECONDS)

    def told(self, group: str, verb: str, *rest: str, code: int = 0) -> Any:
        """Run the command line, expect its exit code, and return its JSON."""
        return self.town.told(group, verb, *rest, code=code)

    def sql(self, sql: str, *, host: str = PRIMARY, port: int = PORT) -> str:
        """Run SQL on a host itself."""
        words = f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p {port} -d {DATABASE} -f -"
        return self.on(host, words, given=sql).strip()

    def now(self) -> datetime:
        """Return a moment between what was done before and what comes after."""
        time.sleep(1.1)
        at = datetime.now(tz=UTC)  # noqa: TID251 - a real moment, as the databases' is
        time.sleep(1.1)
        return at

    def verified(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Verify, and return the archive's steps by repository."""
        steps = self.told("backup", "verify", SERVICE, *words, code=code)["steps"]
        return {one["repository"]: one for one in steps if one["act"] == "verify archive"}

    def file_in(self, host: str, where: str) -> str:
        """Return the first file of an archive that matches."""
        return self.on(host, f"find {ARCHIVE}/{where} -type f | sort | head -1").strip()
