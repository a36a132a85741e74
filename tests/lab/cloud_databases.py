"""OpenStack's own databases on a town of its own: a Galera cluster of two members, and copies.

The lab's OpenStack keeps its data in SQLite: these databases have OpenStack's names, and tables
that the test made.
"""

from __future__ import annotations

import shlex
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.errors import HostError
from orchestrator.model.units import SecretRef
from tests.lab.drilled_services import FORGE
from tests.lab.service_town import ServiceTown

SUBJECT, TABLE = "openstack/city", "keystone.user"
FIRST, SECOND, NEAR, FAR, SPARE = "ctl-1", "ctl-2", "bak-1", "dr-bak-1", "dr-spare-1"
HOSTS = (FIRST, SECOND, NEAR, FAR, SPARE)
FOLDER, STORED = f"/srv/backup/{SUBJECT}", "/srv/stored"
KEY = SecretRef("secret://backup/dr")
ROWS = 20_000
PASSWORD = "canary-of-keystone-1618"
HOST_SECONDS = 300.0
SET = {
    "name": "openstack",
    "display": {"zh": "云平台数据库", "en": "Databases of OpenStack"},
    "policy": "core",
    "roles": ["control"],
    "databases": ["keystone", "nova_api", "nova_cell0"],
}

MEMBER = """
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --no-install-recommends mariadb-server >/dev/null 2>&1
systemctl stop mariadb
cat > /etc/mysql/mariadb.conf.d/90-cluster.cnf <<END
[mariadbd]
wsrep_on = ON
wsrep_provider = /usr/lib/galera/libgalera_smm.so
wsrep_cluster_name = openstack
wsrep_cluster_address = gcomm://{first},{second}
wsrep_node_address = {own}
wsrep_sst_method = rsync
binlog_format = ROW
innodb_autoinc_lock_mode = 2
bind-address = 0.0.0.0
END
{start}
"""
TABLES = f"""
CREATE DATABASE keystone; CREATE DATABASE nova_api; CREATE DATABASE nova_cell0;
USE keystone;
CREATE TABLE keystone.project (id INT PRIMARY KEY, name TEXT, extra LONGTEXT);
INSERT INTO keystone.project SELECT seq, CONCAT('项目 ', seq), 'a\\n(1,\\'b\\');' FROM seq_1_to_50;
CREATE TABLE keystone.user (id INT PRIMARY KEY, name TEXT, project INT,
  FOREIGN KEY (project) REFERENCES keystone.project (id));
INSERT INTO keystone.user SELECT seq, CONCAT('用户 ', seq), 1 + seq % 50 FROM seq_1_to_{ROWS};
CREATE TABLE keystone.first (id INT AUTO_INCREMENT PRIMARY KEY, at INT);
CREATE TABLE nova_api.second (id INT AUTO_INCREMENT PRIMARY KEY, at INT);
CREATE USER keystone@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON keystone.* TO keystone@'%';
"""


class CloudDatabases:
    """The town, its command line, and SQL on any member."""

    def __init__(self, folder: Path) -> None:
        """Take a town in a folder; `make` brings it up."""
        self.town = ServiceTown(folder)

    def make(self) -> None:
        """Boot the hosts, form the cluster, and make the first copies."""
        site = self.town.directory
        tenants = yaml.safe_load((site / "tenancy" / "lab.yaml").read_text())["tenants"]
        self.town.leave_out([one["name"] for one in tenants])
        declared = yaml.safe_load((site / "system" / "backup.yaml").read_text())
        declared["backup_sets"] = [SET]
        (site / "system" / "backup.yaml").write_text(yaml.safe_dump(declared, allow_unicode=True))
        self.town.up(HOSTS)
        for host in HOSTS:
            self.town.await_host(host, within=HOST_SECONDS)
        self._join(FIRST, "galera_new_cluster")
        self._join(SECOND, "systemctl start mariadb")
        self.sql(TABLES)
        self.told("backup", "prepare", "--yes")
        self.back_up()

    def back_up(self) -> None:
        """Copy the databases into both repositories, and keep the far one as it is then."""
        self.told("backup", "run", SUBJECT)
        self.on(FAR, f"rm -rf {STORED}; cp -a {FOLDER} {STORED}")

    def bring_back(self) -> None:
        """Make the far repository what it was."""
        self.on(FAR, f"rm -rf {FOLDER}; cp -a {STORED} {FOLDER}")

    def forge(self, ruin: str) -> None:
        """Add a copy whose dump or manifest is not what it says."""
        key = AnsibleVaultSecrets(self.town.directory).get(KEY).reveal()
        command = f"python3 -c {shlex.quote(FORGE)} {FOLDER} {ruin} dump.sql {TABLE}"
        self.on(FAR, f"{command} && chown -R --reference={STORED} {FOLDER}", given=key + "\n")

    def _join(self, host: str, start: str) -> None:
        addresses = [str(self.town.server(name).address) for name in (FIRST, SECOND)]
        own = str(self.town.server(host).address)
        told = {"first": addresses[0], "second": addresses[1], "own": own, "start": start}
        self.on(host, "bash -s", given=MEMBER.format(**told))

    def await_member(self, host: str) -> None:
        """Wait until a member has all of the data again."""
        state = "SHOW STATUS LIKE 'wsrep_local_state_comment'"
        deadline = time.monotonic() + HOST_SECONDS
        while True:
            with suppress(AssertionError, HostError):
                if "Synced" in self.sql(state, host=host):
                    return
            assert time.monotonic() < deadline, f"{host} is not synced"
            time.sleep(0.5)

    def on(self, host: str, command: str, *, given: str = "") -> str:
        """Run a command on a host, as root, and expect it to work."""
        return self.town.on(host, command, given=given, within=HOST_SECONDS)

    def sql(self, sql: str, *, host: str = FIRST, options: str = "") -> str:
        """Run SQL on a host itself."""
        words = f"mariadb --default-character-set=utf8mb4 --batch --skip-column-names {options}"
        return self.on(host, words, given=sql).strip()

    def told(self, group: str, verb: str, *rest: str, code: int = 0) -> Any:
        """Run the command line, expect its exit code, and return its JSON."""
        return self.town.told(group, verb, *rest, code=code)

    def drill(self, *, code: int = 0) -> dict[str, Any]:
        """Run a drill, and return its record."""
        (told,) = self.told("drill", "run", SUBJECT, code=code)["drills"]
        return dict(told)

    def left_on_spare(self) -> str:
        """Return what a drill or a restore left on the spare."""
        look = (
            "nft list tables | grep drill; ls /var/lib/orchestrator-mariadb 2>/dev/null; "
            "ls /etc/systemd/system | grep orchestrator-mariadb; pgrep -a mariadbd; true"
        )
        return self.on(SPARE, look).strip()
