"""Keystone's things, for Pulumi programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from orchestrator.resources.resource import GovCloudResource


@dataclass(frozen=True, kw_only=True)
class DomainArgs:
    """Inputs of a domain."""

    name: str
    description: str
    tags: Sequence[str]
    enabled: bool = True


class Domain(GovCloudResource[DomainArgs]):
    """A department's domain."""

    kind = "identity:Domain"


@dataclass(frozen=True, kw_only=True)
class ProjectArgs:
    """Inputs of a project."""

    name: str
    domain_id: pulumi.Input[str]
    description: str
    tags: Sequence[str]
    enabled: bool = True


class Project(GovCloudResource[ProjectArgs]):
    """A system of a department."""

    kind = "identity:Project"


@dataclass(frozen=True, kw_only=True)
class GroupArgs:
    """Inputs of a group."""

    name: str
    domain_id: pulumi.Input[str]
    description: str


class Group(GovCloudResource[GroupArgs]):
    """A group of a department's people."""

    kind = "identity:Group"


@dataclass(frozen=True, kw_only=True)
class UserArgs:
    """Inputs of an user."""

    name: str
    domain_id: pulumi.Input[str]
    description: str
    enabled: bool = True


class User(GovCloudResource[UserArgs]):
    """A service user; its password is made by the provider."""

    kind = "identity:User"
    computed = ("password",)

    @property
    def password(self) -> pulumi.Output[str]:
        """Return the password, a secret."""
        value: pulumi.Output[str] = pulumi.get(self, "password")
        return value


@dataclass(frozen=True, kw_only=True)
class RoleAssignmentArgs:
    """Inputs of a role assignment."""

    role: str
    project_id: pulumi.Input[str] | None = None
    domain_id: pulumi.Input[str] | None = None
    group_id: pulumi.Input[str] | None = None
    user_id: pulumi.Input[str] | None = None


class RoleAssignment(GovCloudResource[RoleAssignmentArgs]):
    """A role of one group or user on one project or domain."""

    kind = "identity:RoleAssignment"


@dataclass(frozen=True, kw_only=True)
class ApplicationCredentialArgs:
    """Inputs of an application credential."""

    name: str
    user_id: pulumi.Input[str]
    project_id: pulumi.Input[str]
    password: pulumi.Input[str]
    roles: Sequence[str]
    description: str


class ApplicationCredential(GovCloudResource[ApplicationCredentialArgs]):
    """A credential for programs, in a service user's name."""

    kind = "identity:ApplicationCredential"
    computed = (
        "secret",
        "credential_id",
    )

    @property
    def secret(self) -> pulumi.Output[str]:
        """Return the credential's secret."""
        value: pulumi.Output[str] = pulumi.get(self, "secret")
        return value
