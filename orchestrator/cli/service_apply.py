"""`orchestrator service apply` and `rotate-password`: what is brought to hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.playbook_options import Aim, named_playbook, with_aim
from orchestrator.cli.service_options import (
    Command,
    chosen,
    role_option,
    service_argument,
    services_argument,
    yes_option,
)

if TYPE_CHECKING:
    from orchestrator.model.declared_service import DeclaredService
    from orchestrator.model.service_plan import ServicePlan
    from orchestrator.workflows.services import Bringing, ServicePorts


SILENT_WITNESS = (
    "{} does not answer: as a witness it votes for these services, and was left as it is. "
    "Run this again when it does."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """How services are brought to their hosts."""

    rebuild: tuple[str, ...] = ()
    renew: bool = False
    empty: bool = False
    yes: bool = False
    change: Callable[[], None] | None = None
    """Done to the vault once it is known that hosts can follow it."""


def with_wish(command: Command) -> Command:
    """Add the options of how services are brought; the command gets them as one `wish`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        rebuild: tuple[str, ...],
        renew: bool,
        empty: bool,
        yes: bool,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        wish = Wish(rebuild=rebuild, renew=renew, empty=empty, yes=yes)
        return command(*args, wish=wish, **rest)

    return rebuild_option(renew_option(empty_option(yes_option(gather))))


rebuild_option = click.option(
    "--rebuild",
    multiple=True,
    metavar="HOST",
    help="Throw away what this host has of the services, and copy it anew; may be repeated.",
)
renew_option = click.option("--renew", is_flag=True, help="Give each host a new certificate, too.")
empty_option = click.option(
    "--empty",
    is_flag=True,
    help="Make a service anew whose data is lost: it is empty, to be restored into.",
)


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator service apply gongan/population shijian/legal-entities",
        "orchestrator service apply --yes",
        "orchestrator service apply gongan/population --rebuild db-1",
    ),
)
@services_argument
@with_aim
@with_wish
@pass_desk
def apply(desk: Desk, *, names: tuple[str, ...], aim: Aim, wish: Wish) -> int:
    """Bring services to their hosts: clusters, roles, TLS, audit, replicas.

    What will be done is shown first. Passwords are made in the site's vault.
    Data that is there is never replaced, unless its host is named by --rebuild,
    which must be a replica. A run that was cut off is gone on with by the same
    command; a second run changes nothing.

    Exits with 0 when all is done, with 6 when a part is, and with 5 when no
    service may be worked on.
    """
    services = chosen(aim, names)
    for one in wish.rebuild:
        if not any(one in declared.service.hosts for declared in services):
            raise click.UsageError(f"none of these services is on `{one}`")
    if wish.empty and not names:
        raise click.UsageError("--empty needs the names of the services whose data is lost.")
    return _bring(desk, aim, services, wish=wish)


@click.command(
    "rotate-password",
    cls=DocumentedCommand,
    examples=(
        "orchestrator service rotate-password gongan/population --role app",
        "orchestrator service rotate-password gongan/population --role app --retire",
    ),
)
@service_argument
@with_aim
@role_option("Whose login is changed.")
@click.option("--retire", is_flag=True, help="Shut the login before the last change out.")
@yes_option
@pass_desk
def rotate_password(desk: Desk, *, name: str, aim: Aim, role: str, retire: bool, yes: bool) -> int:
    """Give a role a new login beside the old one, and later retire the old one.

    Both work until --retire: programs are moved over one after the other, and
    none is shut out meanwhile. The new login is in the vault in the place of
    the old one. A change that was cut off is brought to its end by `service
    apply`.
    """
    from orchestrator.model.data_level import DatabaseRole
    from orchestrator.workflows.service_logins import retire_login, rotate_login

    (declared,) = chosen(aim, (name,))
    who = DatabaseRole(role)
    if who not in declared.rules.roles:
        raise click.UsageError(f"{name} has no role `{role}`")
    if not yes:
        words = "Retire the previous login" if retire else "Make a new login"
        approve(desk, f"{words} of {role} of {name}?")
    vault = _ports(desk, aim).playbooks.secrets
    if retire and declared.previous_login_ref(who) not in vault.names():
        desk.screen.note(f"{name} has no previous login of {role}: nothing to retire.")
        return ExitCode.DONE

    def change() -> None:
        login = (retire_login if retire else rotate_login)(declared, who, vault)
        said = "retired" if retire else "the login"
        desk.screen.note(f"{login} is {said} of {role} from now on.")

    return _bring(desk, aim, [declared], wish=Wish(yes=True, change=change))


def _bring(desk: Desk, aim: Aim, services: Sequence[DeclaredService], *, wish: Wish) -> int:
    """Show what will be done for services, ask, and do it."""
    from orchestrator.cli.render.service import plan_parts
    from orchestrator.planning.services import plan_services
    from orchestrator.workflows.services import Bringing, look

    ports = _ports(desk, aim)
    with ports.playbooks.lock.hold(why="apply services"):
        observed = look(aim.site, services, ports.databases)
        plans = plan_services(aim.site, services, observed, rebuild=wish.rebuild, empty=wish.empty)
        note = desk.screen.note if aim.as_json else desk.screen.show
        note(*plan_parts(plans))
        if all(plan.refusal for plan in plans):
            return ExitCode.REFUSED
        if not wish.yes:
            approve(desk, _question(plans, wish.rebuild))
        if wish.change is not None:
            wish.change()
        bringing = Bringing(plans=plans, observed=observed, renew=wish.renew)
        return _apply(desk, aim, ports, bringing=bringing)


def _apply(desk: Desk, aim: Aim, ports: ServicePorts, *, bringing: Bringing) -> int:
    from orchestrator.cli.interrupts import catching
    from orchestrator.cli.playbook import STOPPING, exit_code
    from orchestrator.cli.render.playbook import result_json, result_parts, run_watching
    from orchestrator.workflows.services import PLAYBOOK, apply_services, silent_witnesses

    entry = named_playbook(PLAYBOOK)
    hosts = {step.server.name for plan in bringing.plans for step in plan.worked_on}
    with (
        run_watching(desk.screen.err, len(hosts)) as watch,
        catching(ports.playbooks.playbooks.stop, desk.screen.note, softly=STOPPING) as interrupts,
    ):
        interrupts.soften()
        result = apply_services(aim.site, bringing, entry=entry, ports=ports, watch=watch)
    if aim.as_json:
        desk.screen.data(result_json(entry, result))
    else:
        desk.screen.show(*result_parts(entry, result))
    silent = silent_witnesses(aim.site, bringing.plans, bringing.observed)
    if silent:
        desk.screen.note(SILENT_WITNESS.format(", ".join(silent)))
    return _with_omissions(exit_code(result), bringing.plans, silent)


def _with_omissions(
    code: ExitCode, plans: Sequence[ServicePlan], silent: Sequence[str]
) -> ExitCode:
    """Return the exit code: services, hosts or witnesses that were left out are not done."""
    omitted = silent or any(plan.refusal or plan.left_out for plan in plans)
    return ExitCode.PARTLY_DONE if omitted and code == ExitCode.DONE else code


def _question(plans: Sequence[ServicePlan], rebuild: Sequence[str]) -> str:
    count = sum(plan.refusal is None for plan in plans)
    lost = f" What {', '.join(rebuild)} has of them is thrown away." if rebuild else ""
    return f"Work on {count} services?{lost}"


def _ports(desk: Desk, aim: Aim) -> ServicePorts:
    return desk.wiring.services(aim.directory, aim.site.identity, access=aim.access)
