"""The keys of continuous archives, as the playbook that prepares hosts is given them."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.model.backup import Subject
from orchestrator.model.continuous import archive_key, archive_key_variable
from orchestrator.model.site import Site
from orchestrator.model.units import Secret
from orchestrator.planning.continuous import continuous
from orchestrator.ports import SecretStore


def archive_secrets(
    site: Site, subjects: Sequence[Subject], vault: SecretStore
) -> dict[str, Secret]:
    """Return the keys that hosts archive with, by the playbook's names of them."""
    known = vault.names()
    keys = {one.name: one.key for one in site.system.backup_repositories if one.key in known}
    return {
        archive_key_variable(subject, name): archive_key(vault.get(keys[name]), subject.name)
        for subject in continuous(subjects)
        for name in subject.repositories
        if name in keys
    }
