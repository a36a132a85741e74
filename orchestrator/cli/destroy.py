"""`orchestrator destroy`: delete what was provisioned for the site."""

from __future__ import annotations

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import Showing, Target, with_showing, with_target
from orchestrator.errors import RefusedError
from orchestrator.model.plan import Plan
from orchestrator.model.stack import Action


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator destroy inventory/yangzhou --tenant gongxin",
        "orchestrator destroy inventory/yangzhou --confirm yangzhou",
    ),
)
@with_target(changes=True)
@click.option("--confirm", metavar="NAME", help="The site's name, instead of typing it when asked.")
@with_showing("List all that is deleted.")
@pass_desk
def destroy(desk: Desk, *, target: Target, confirm: str | None, showing: Showing) -> int:
    """Delete what was provisioned for the site.

    Deletes every recorded resource in the scope, the uppermost layer first.
    The site's name has to be typed; there is no --yes.
    """
    from orchestrator.cli.sites import checked_site
    from orchestrator.cli.work import end, refuse_without_person, show_plan, working
    from orchestrator.workflows.destroy import destroy as carry_out
    from orchestrator.workflows.destroy import plan_destroy

    if confirm is None:
        refuse_without_person(desk, "--confirm NAME")
    checked = checked_site(desk, target.site)
    with working(desk, checked, target) as work:
        plan = plan_destroy(checked, work.ports, target.scope)
        show_plan(desk, checked, plan, showing=showing)
        if not plan.has_changes:
            return ExitCode.DONE
        _make_sure(plan, confirm)
        work.begin(plan)
        report = carry_out(checked, work.ports, plan)
    return end(desk, checked, report, target=target, showing=showing)


def _make_sure(plan: Plan, confirmed: str | None) -> None:
    """Compare what was typed with the site's name.

    Raises:
        RefusedError: it is another name; nothing was changed.
    """
    if confirmed is None:
        count = plan.count(Action.DELETE)
        question = f"This deletes {count} resources. Type the site's name ({plan.site})"
        confirmed = click.prompt(question, default="", show_default=False, err=True)
    if confirmed.strip() != plan.site:
        raise RefusedError(
            f"'{confirmed}' is not the site's name: nothing was changed",
            remedy=f"Type {plan.site} to delete what is recorded of {plan.site}.",
        )
