"""Where a site keeps what the tool remembers: one folder beside the site's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = ".orchestrator"


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The paths inside the state folder. Nothing is made until something is written."""

    root: Path

    @classmethod
    def of_site(cls, site_directory: Path) -> StateDirectory:
        """Return the default folder of a site directory."""
        return cls(site_directory.resolve() / FOLDER)

    @property
    def pulumi(self) -> Path:
        """Return the folder of the stacks' state; Pulumi's own layout is in `.pulumi` inside."""
        return self.root / "state"

    @property
    def lock(self) -> Path:
        """Return the lock file."""
        return self.root / "lock"

    @property
    def audit_log(self) -> Path:
        """Return the audit log."""
        return self.root / "audit.jsonl"

    @property
    def bmcs(self) -> Path:
        """Return the folder of what is remembered of BMCs: certificates and open sessions."""
        return self.root / "bmc"

    @property
    def devices(self) -> Path:
        """Return the folder of what is remembered of network devices: host keys and backups."""
        return self.root / "devices"

    @property
    def hosts(self) -> Path:
        """Return the folder of what is remembered of servers' hosts: their SSH host keys."""
        return self.root / "hosts"

    @property
    def acceptance(self) -> Path:
        """Return the folder of the signed reports of acceptance tests."""
        return self.root / "acceptance"

    @property
    def playbooks(self) -> Path:
        """Return the folder of what playbooks did, and of the host keys that they pinned."""
        return self.root / "playbooks"

    @property
    def backup_lock(self) -> Path:
        """Return the lock file of backups, which go on while somebody changes the site."""
        return self.root / "backup-lock"

    @property
    def maintenance(self) -> Path:
        """Return the folder of maintenance that was begun: plans, and how far each came."""
        return self.root / "maintenance"

    @property
    def drills(self) -> Path:
        """Return the folder of the signed records of restore drills."""
        return self.root / "drills"

    @property
    def settings(self) -> Path:
        """Return the folder of what devices and BMCs told when the records were copied last."""
        return self.root / "settings"

    @property
    def drill_lock(self) -> Path:
        """Return the lock file of restore drills."""
        return self.root / "drill-lock"

    @property
    def crash_log(self) -> Path:
        """Return the file that tracebacks of unexpected errors go to."""
        return self.root / "crash.log"
