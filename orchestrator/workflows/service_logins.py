"""The logins of services: made in the vault, and changed with an overlap."""

from __future__ import annotations

import secrets as randomness
from dataclasses import dataclass

from orchestrator.errors import RefusedError
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, login_names
from orchestrator.model.units import Secret, SecretRef
from orchestrator.ports import SecretStore

PASSWORD_BYTES = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """One login of a service's role."""

    role: DatabaseRole
    login: str
    password: Secret


def ensure_logins(declared: DeclaredService, secrets: SecretStore) -> tuple[Login, ...]:
    """Return a service's logins; a role without one gets one, with a random password.

    The login before the last rotation is among them: it works until it is retired.
    """
    names = secrets.names()
    made = {
        declared.login_ref(role): _new(login_names(role)[0])
        for role in declared.rules.roles
        if declared.login_ref(role) not in names
    }
    if made:
        secrets.put(made)
    found = []
    for role in declared.rules.roles:
        refs = (declared.login_ref(role), declared.previous_login_ref(role))
        found += [open_login(role, ref, secrets) for ref in refs if ref in {*names, *made}]
    return tuple(login for login in found if login.password.reveal())


def rotate_login(declared: DeclaredService, role: DatabaseRole, secrets: SecretStore) -> str:
    """Give a role its other login, with a new password; return its name.

    The one until now stays good, as the previous one. Hosts know of it with the next apply.

    Raises:
        RefusedError: the one before still works, and would be shut out.
    """
    previous_ref = declared.previous_login_ref(role)
    if previous_ref in secrets.names():
        previous = open_login(role, previous_ref, secrets)
        if previous.password.reveal():
            raise RefusedError(
                f"{previous.login} of {declared.name} still works, and a second change would shut "
                "out whoever uses it",
                remedy=f"Retire it first: orchestrator service rotate-password {declared.name} "
                f"--role {role.value} --retire. A change that was cut off is brought to its end "
                "by `service apply`.",
            )
    current = open_login(role, declared.login_ref(role), secrets)
    first, second = login_names(role)
    other = second if current.login == first else first
    secrets.put(
        {
            declared.login_ref(role): _new(other),
            previous_ref: _text(current.login, current.password.reveal()),
        }
    )
    return other


def retire_login(declared: DeclaredService, role: DatabaseRole, secrets: SecretStore) -> str:
    """Forget the password of a role's previous login; return its name, or nothing without one.

    With the next apply it cannot log in any more.
    """
    ref = declared.previous_login_ref(role)
    if ref not in secrets.names():
        return ""
    previous = open_login(role, ref, secrets)
    secrets.put({ref: _text(previous.login, "")})
    return previous.login


def open_login(role: DatabaseRole, ref: SecretRef, secrets: SecretStore) -> Login:
    """Open one login of the vault."""
    login, _, password = secrets.get(ref).reveal().partition(":")
    return Login(role=role, login=login, password=Secret(password))


def _new(login: str) -> Secret:
    """Return a login with a random password, which needs no quotes anywhere."""
    return _text(login, randomness.token_urlsafe(PASSWORD_BYTES))


def _text(login: str, password: str) -> Secret:
    return Secret(f"{login}:{password}")
