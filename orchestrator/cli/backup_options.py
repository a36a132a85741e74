"""What the commands of `orchestrator backup` and `restore` share: subjects by name, open ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from orchestrator.cli.exit_codes import ExitCode
from orchestrator.model.names import did_you_mean

if TYPE_CHECKING:
    from orchestrator.cli.desk import Desk
    from orchestrator.cli.playbook_options import Aim
    from orchestrator.model.backup import Subject
    from orchestrator.model.site import Site
    from orchestrator.workflows.backup_continuous import ContinuousPorts
    from orchestrator.workflows.backup_steps import BackupPorts, Step, Told

repository_option = click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="NAME",
    help="Only this repository; may be repeated.",
)


def open_backups(desk: Desk, aim: Aim) -> BackupPorts:
    """Open the site's repositories; nothing is connected yet."""
    return desk.wiring.backups(aim.directory, aim.site, access=aim.access)


def open_archives(desk: Desk, aim: Aim) -> ContinuousPorts:
    """Open the site's archives; nothing is connected yet."""
    return desk.wiring.continuous(aim.directory, aim.site, access=aim.access)


def chosen_subjects(
    site: Site, names: Sequence[str], repositories: Sequence[str] = ()
) -> tuple[Subject, ...]:
    """Return the subjects of these names, all where there is none, in some repositories.

    Raises:
        click.UsageError: a name is not known, or nothing is backed up at all.
    """
    from dataclasses import replace

    from orchestrator.planning.backup import subjects_of

    known = {one.name: one for one in subjects_of(site)}
    for name in names:
        if name not in known:
            raise click.UsageError(
                f"nothing called `{name}` is backed up.{did_you_mean(name, known)}"
            )
    places = {one.name for one in site.system.backup_repositories}
    for name in repositories:
        if name not in places:
            raise click.UsageError(f"there is no repository `{name}`.{did_you_mean(name, places)}")
    found = [one for one in known.values() if not names or one.name in names]
    if repositories:
        found = [
            replace(one, repositories=tuple(r for r in one.repositories if r in repositories))
            for one in found
        ]
    found = [one for one in found if one.repositories]
    if not found:
        raise click.UsageError(
            "the site declares no backups of this: a service or set needs a policy, and the "
            "policy's regions a repository"
        )
    return tuple(found)


def noting_steps(desk: Desk) -> Told:
    """Return what shows each step as it ends."""
    from orchestrator.cli.render.backup import step_line

    return lambda step: desk.screen.note(step_line(step))


def end_of_steps(desk: Desk, steps: Sequence[Step], aim: Aim) -> int:
    """Show how steps ended and return the exit code."""
    from orchestrator.cli.render.backup import steps_json, steps_parts
    from orchestrator.workflows.backup_steps import Result

    if aim.as_json:
        desk.screen.data(steps_json(steps))
    else:
        desk.screen.show(*steps_parts(steps))
    failed = sum(step.result is Result.FAILED for step in steps)
    if not failed:
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if failed < len(steps) else ExitCode.FAILED
