"""Drills as tests see them: one small database, its remote repository, and ways to ruin it."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.adapters.secret_store import AnsibleVaultSecrets
from orchestrator.cli.outside import Access
from orchestrator.cli.wiring import MachineWiring
from orchestrator.model.units import Secret, SecretRef
from orchestrator.planning.backup import subjects_of
from orchestrator.spec.load import load_site
from tests.lab.running_services import RunningServices

SUBJECT, PRIMARY, SPARE, SERVER = "fagai/credit", "db-1", "dr-spare-1", "dr-bak-1"
REPOSITORY, KEY = "dr-copies", SecretRef("secret://backup/dr")
FOLDER, STORED = f"/srv/backup/{SUBJECT}", "/srv/stored"
ROWS = 400

FORGE = """
import hashlib, json, os, subprocess, sys
folder, ruin, file, table = sys.argv[1:]
key = sys.stdin.readline().strip()

def restic(*words, given=None):
    environment = {**os.environ, "RESTIC_PASSWORD": key}
    asked = ["restic", "-r", folder, "--no-cache", *words]
    return subprocess.run(asked, input=given, env=environment, check=True, stdout=-1).stdout

def save(name, content, *tags):
    words = [word for tag in ("run=forged", *tags) for word in ("--tag", tag)]
    told = restic("backup", "--json", "--stdin", "--stdin-filename", name, *words, given=content)
    return json.loads(told.splitlines()[-1])["snapshot_id"]

listed = json.loads(restic("snapshots", "--json"))
newest = max((one for one in listed if "part=manifest" in one["tags"]), key=lambda o: o["time"])
manifest = json.loads(restic("dump", newest["id"], "/manifest.json"))
dump = restic("dump", manifest["data_id"], f"/{file}")
if ruin == "truncate":
    dump = dump[: len(dump) * 2 // 3]
else:
    manifest["facts"]["tables"][table]["rows"] += 3
manifest["data_id"] = save(file, dump, "part=data")
manifest.update(data_bytes=len(dump), data_sha256=hashlib.sha256(dump).hexdigest(), run="forged")
tags = ("part=manifest", f"data={manifest['data_id']}", f"bytes={len(dump)}")
save("manifest.json", json.dumps(manifest).encode(), *tags)
"""
"""Adds a copy that restic finds nothing wrong with."""


@dataclass
class DrilledServices:
    """The services of the test city, with a repository of one of them to ruin."""

    services: RunningServices

    def prepare(self) -> None:
        """Make a copy of a small table, and keep the repository as it was before and after."""
        # Other tests may have made copies of it.
        self.on_server(f"rm -rf {STORED} {FOLDER}; mkdir {STORED}")
        prepared = self.run("backup", "prepare", "--yes")
        assert prepared.returncode == 0, prepared.stderr + prepared.stdout
        self.store("empty")
        self.services.as_superuser(
            PRIMARY,
            SUBJECT,
            "DROP TABLE IF EXISTS data.holder; SET ROLE owner; "
            "CREATE TABLE data.holder (id int PRIMARY KEY, name text); "
            f"INSERT INTO data.holder SELECT i, '企业 ' || i FROM generate_series(1, {ROWS}) i;",
        )
        self.back_up()
        self.store("good")

    def back_up(self) -> None:
        """Copy the service into the remote repository."""
        done = self.run("backup", "run", SUBJECT, "--repository", REPOSITORY)
        assert done.returncode == 0, done.stderr + done.stdout

    def back_up_as_of(self, age: timedelta) -> None:
        """Copy it as if that had been some time ago: its sentinel is as old."""
        directory = self.services.town.directory
        site = load_site(directory).site
        endpoints = {"ORCHESTRATOR_ENDPOINTS": str(self.services.town.settings.endpoints)}
        engine = MachineWiring(endpoints).backups(directory, site, access=Access()).engine
        subject = next(one for one in subjects_of(site) if one.name == SUBJECT)
        engine.copying.back_up(
            subject,
            self.services.town.server(PRIMARY),
            store=engine.stores[REPOSITORY],
            run="aged",
            at=datetime.now(tz=UTC) - age,  # noqa: TID251 - a real moment, as the drill's is
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line on the city."""
        group, verb, *rest = arguments
        directory = str(self.services.town.directory)
        return self.services.town.run(group, verb, "--site", directory, *rest)

    def drill(self) -> tuple[int, dict[str, Any]]:
        """Run a drill; return its exit code and its record."""
        done = self.run("drill", "run", SUBJECT, "-o", "json")
        assert done.stdout, done.stderr
        (told,) = json.loads(done.stdout)["drills"]
        return done.returncode, told

    def on_server(self, command: str, *, given: str = "") -> str:
        """Run a command on the remote repository's server, as root."""
        ran = self.services.on(SERVER, command, given=given)
        assert ran.status == 0, ran.err
        return ran.out

    def store(self, name: str) -> None:
        """Keep the repository as it is now."""
        self.on_server(f"cp -a {FOLDER} {STORED}/{name}")

    def bring_back(self, name: str) -> None:
        """Make the repository what it was."""
        self.on_server(f"rm -rf {FOLDER}; cp -a {STORED}/{name} {FOLDER}")

    def packs(self) -> dict[str, int]:
        """Return the packs with their size."""
        found = self.on_server(f"cd {FOLDER}; find data -type f -printf '%p %s\\n'")
        return {name: int(size) for name, size in (line.split() for line in found.splitlines())}

    def forge(self, ruin: str) -> None:
        """Add a copy whose dump or manifest is not what it says."""
        key = self.vault().get(KEY).reveal()
        command = f"python3 -c {shlex.quote(FORGE)} {FOLDER} {ruin} dump.pgc data.holder"
        self.on_server(
            f"{command} && chown -R --reference={STORED}/good {FOLDER}", given=key + "\n"
        )

    def vault(self) -> AnsibleVaultSecrets:
        """Open the vault anew: `backup prepare`, another process, put the keys into it."""
        return AnsibleVaultSecrets(self.services.town.directory)

    def swap_key(self, key: Secret) -> Secret:
        """Put another key into the vault; return the one that was there."""
        vault = self.vault()
        before = vault.get(KEY)
        vault.put({KEY: key})
        return before

    def left_on_spare(self) -> str:
        """Return what a drill left on its host."""
        look = (
            "nft list tables | grep drill; pg_lsclusters -h; ls -d /var/lib/orchestrator-drill "
            "2>/dev/null; ls /var/lib/postgresql/15 2>/dev/null"
        )
        return self.services.on(SPARE, look).out.strip()
