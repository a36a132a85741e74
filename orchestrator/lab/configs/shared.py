"""The sections that several services have alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.lab.configs.ini import Options
from orchestrator.lab.record import LabRecord
from orchestrator.lab.settings import REGION, LabSettings

LIST_LIMIT = 1_000_000
"""Rows that one list call may return: a whole city's, so that no reader has to page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lab:
    """What the configurations are made from."""

    settings: LabSettings
    record: LabRecord

    def data(self, service: str) -> Path:
        """Return the folder where a service stores things."""
        return self.settings.data / service

    def shipped(self, path: str) -> Path:
        """Return a file that a project's package installs below the environment."""
        return self.settings.venv / "etc" / path

    def database_url(self, name: str) -> str:
        """Return the URL of one of the lab's databases."""
        return f"sqlite:////{str(self.settings.databases).lstrip('/')}/{name}.db?timeout=20"

    def database(self, name: str) -> Options:
        """Return the options of a database section."""
        return {"connection": self.database_url(name), "sqlite_synchronous": False}

    def logging(self, service: str) -> Options:
        """Return where a service logs to."""
        return {"log_file": self.settings.logs / f"{service}.log", "use_stderr": False}

    def default(self, service: str) -> Options:
        """Return the options that most services have alike.

        `fake://` joins the threads of one process; there is no message broker.
        """
        return {
            **self.logging(service),
            "transport_url": "fake://",
            "state_path": self.data(service),
            "host": "lab",
            "my_ip": "127.0.0.1",
        }

    def login(self, user: str) -> Options:
        """Return how a service logs in at Keystone."""
        return {
            "auth_type": "password",
            "auth_url": f"{self.record.url('keystone')}/v3",
            "username": user,
            "password": self.record.password.reveal(),
            "project_name": "service",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
            "region_name": REGION,
            "valid_interfaces": "public",
        }

    def token_check(self, user: str) -> Options:
        """Return how a service checks its callers' tokens."""
        login = dict(self.login(user))
        del login["region_name"], login["valid_interfaces"]
        return {
            **login,
            "www_authenticate_uri": f"{self.record.url('keystone')}/v3",
            "service_token_roles": "service",
            "service_token_roles_required": True,
        }

    @property
    def locks(self) -> Options:
        """Return where locks between threads and processes are kept."""
        return {"lock_path": self.data("locks")}


SILENT: Options = {"driver": "noop"}
"""Notifications to nobody."""
