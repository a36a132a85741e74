#!/usr/bin/python3
"""Make one PostgreSQL cluster of a service, or bring its files to what is declared.

Nothing that may hold data is removed but a replica whose rebuild was asked for, and what a run of
this module left unfinished (it marks a cluster before it makes it, and takes the mark away last).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

CONFIG = Path("/etc/postgresql")
DATA = Path("/var/lib/postgresql")
UNITS = Path("/etc/systemd/system")
LEAD = """\
# Written by orchestrator.
[Unit]
OnFailure=site-lead-wait@%i.service

[Service]
ExecStartPre=+/usr/local/sbin/site-may-lead {version} {name}
"""
START_SECONDS = 60
LONGEST_WAIT_SECONDS = 900


class Cluster:
    """One cluster on this host."""

    def __init__(self, module: AnsibleModule) -> None:
        """Know its places."""
        self.module = module
        self.given = module.params["cluster"]
        name, version = self.given["name"], self.given["version"]
        self.config = CONFIG / version / name
        self.data = DATA / version / name
        self.making = DATA / version / f".{name}.making"
        self.record = self.config / "service.json"
        self.unit = f"postgresql@{version}-{name}.service"
        self.changed = False
        self.reload = False

    def ensure(self, *, leads: bool, rebuild: bool) -> None:
        """Bring it to what is declared."""
        with self.alone():
            self.bring(leads=leads, rebuild=rebuild)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for a module that a killed run has left here: it works to its end."""
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        with Path(f"/run/site-{self.given['name']}.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        self.module.fail_json(msg=f"another run still works on {self.unit}")
                    time.sleep(0.5)
            yield

    def bring(self, *, leads: bool, rebuild: bool) -> None:
        """Clear up, refuse what is not ours, and make or change the rest."""
        self.clear_unfinished()
        self.refuse_others()
        if rebuild and self.record.exists():
            self.change()
            self.stop()
            self.making.touch()
            self.clear_unfinished()
        if not self.record.exists():
            self.make(leads=leads)
        else:
            self.write_files()
            self.started()
        self.changed = self.changed or self.reload

    def refuse_others(self) -> None:
        """Refuse a cluster or data that is not this service's."""
        if self.record.exists():
            owner = json.loads(self.record.read_text())["service"]
            if owner != self.given["service"]:
                self.module.fail_json(msg=f"{self.config} is of {owner}: nothing was done")
        elif self.config.exists() or (self.data.exists() and any(self.data.iterdir())):
            self.module.fail_json(
                msg=f"{self.data} holds data that orchestrator did not put there: nothing was "
                "done. Find out whose it is, and move it away by hand."
            )

    def clear_unfinished(self) -> None:
        """Remove what a run that was cut off has left: it never was in use."""
        if not self.making.exists():
            return
        self.change()
        self.stop()
        for folder in (self.config, self.data):
            shutil.rmtree(folder, ignore_errors=True)
        self.making.unlink()

    def stop(self) -> None:
        """Stop it, and what would start it once it may lead."""
        name, version = self.given["name"], self.given["version"]
        waiting = f"site-lead-wait@{version}-{name}.service"
        self.run("systemctl", "stop", waiting, self.unit, seconds=START_SECONDS)

    def make(self, *, leads: bool) -> None:
        """Make it, mark it, start it."""
        self.change()
        postgres = pwd.getpwnam("postgres")
        parent = self.data.parent
        if not parent.exists():
            parent.mkdir()
            os.chown(parent, postgres.pw_uid, postgres.pw_gid)
        self.making.touch()
        if not leads:
            self.copy_primary()
        words = ["pg_createcluster", "-p", str(self.given["port"])]
        words += ["--locale", "C.UTF-8"] if leads else []
        words += [self.given["version"], self.given["name"]]
        self.run(*words, *(["--", "--data-checksums"] if leads else []), seconds=300)
        self.write_files()
        about = {key: self.given[key] for key in ("service", "version", "port", "database")}
        self.write(self.record, json.dumps(about) + "\n")
        self.making.unlink()
        self.run("systemctl", "enable", self.unit, seconds=START_SECONDS)
        self.started()

    def copy_primary(self) -> None:
        """Copy the primary, as its replica."""
        upstream = self.given["upstream"]
        self.run(
            "runuser", "-u", "postgres", "--", "pg_basebackup", "--pgdata", str(self.data),
            "--dbname", upstream["conninfo"], "--slot", upstream["slot"], "--checkpoint=fast",
            "--wal-method=stream", "--no-password",
            seconds=int(self.given["copy_seconds"]),
        )  # fmt: skip
        # Debian's tool takes an existing cluster's files out of its data: ours are the package's.
        samples = Path("/usr/share/postgresql") / self.given["version"]
        owner = self.data.stat()
        for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf", "standby.signal"):
            sample = samples / f"{name}.sample"
            (self.data / name).write_text(sample.read_text() if sample.exists() else "")
            os.chown(self.data / name, owner.st_uid, owner.st_gid)

    def write_files(self) -> None:
        """Write what is declared into its files."""
        for name, text in self.given["files"].items():
            self.reload |= self.write(self.config / name, text)
        dropin = UNITS / f"{self.unit}.d" / "site.conf"
        text = LEAD.format(version=self.given["version"], name=self.given["name"])
        if not dropin.exists() or dropin.read_text() != text:
            self.change()
            dropin.parent.mkdir(exist_ok=True)
            dropin.write_text(text)
            self.run("systemctl", "daemon-reload", seconds=START_SECONDS)

    def started(self) -> None:
        """Start it, or let it read its files again; see that it answers."""
        active, _, _ = self.module.run_command(["systemctl", "is-active", "--quiet", self.unit])
        if active != 0:
            self.change()
            self.run("systemctl", "start", self.unit, seconds=START_SECONDS)
        elif self.reload:
            self.change()
            self.run("systemctl", "reload", self.unit, seconds=START_SECONDS)
        port = str(self.given["port"])
        deadline = time.monotonic() + START_SECONDS
        asked = ["runuser", "-u", "postgres", "--", "pg_isready", "-q", "-p", port]
        while self.module.run_command(asked)[0] != 0:
            if time.monotonic() > deadline:
                self.module.fail_json(msg=f"{self.unit} does not answer on port {port}")
            time.sleep(0.2)

    def write(self, file: Path, text: str) -> bool:
        """Write a file whole or not at all; say whether it was another one."""
        with contextlib.suppress(FileNotFoundError):
            if file.read_text() == text:
                return False
        self.change()
        postgres = pwd.getpwnam("postgres")
        if not file.parent.exists():
            file.parent.mkdir(mode=0o755)
            os.chown(file.parent, postgres.pw_uid, postgres.pw_gid)
        draft = file.with_name(f".{file.name}.new")
        draft.write_text(text)
        os.chown(draft, postgres.pw_uid, postgres.pw_gid)
        draft.chmod(0o640)
        draft.replace(file)
        return True

    def change(self) -> None:
        """Note a change; a rehearsal ends with the first one."""
        if self.module.check_mode:
            self.module.exit_json(changed=True)
        self.changed = True

    def run(self, *words: str, seconds: int) -> None:
        """Run a command, for so many seconds at most; where it fails, end with its words."""
        # run_command itself has no time limit.
        code, out, err = self.module.run_command(["timeout", str(seconds), *words])
        if code:
            said = " ".join((err or out).split())[-400:]
            self.module.fail_json(msg=f"{self.given['service']}: {words[0]}: {said} ({code})")


def main() -> None:
    """Do what Ansible asks."""
    module = AnsibleModule(
        argument_spec={
            "cluster": {"type": "dict", "required": True},
            "leads": {"type": "bool", "required": True},
            "rebuild": {"type": "bool", "required": True},
        },
        supports_check_mode=True,
    )
    cluster = Cluster(module)
    cluster.ensure(leads=module.params["leads"], rebuild=module.params["rebuild"])
    module.exit_json(changed=cluster.changed)


if __name__ == "__main__":
    main()
