"""`orchestrator hardware media`: what is in a server's virtual drives, and what is to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_acts import yes_option
from orchestrator.cli.hardware_options import (
    Reach,
    declared_site,
    named_server,
    reached,
    with_reach,
)

if TYPE_CHECKING:
    from orchestrator.model.hardware import Server
    from orchestrator.model.media import MediaSlot
    from orchestrator.model.units import Json

INSERT, EJECT, STATUS = "insert", "eject", "status"


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator hardware media city-cmp-001 status",
        "orchestrator hardware media city-cmp-001 insert https://10.16.8.5/rescue.iso --yes",
        "orchestrator hardware media city-cmp-001 eject",
    ),
)
@click.argument("server")
@click.argument("act", type=click.Choice([INSERT, EJECT, STATUS]))
@click.argument("url", required=False)
@yes_option
@with_reach
@pass_desk
def media(desk: Desk, *, server: str, act: str, url: str | None, yes: bool, reach: Reach) -> int:
    """Insert an image into one server's virtual drive, eject it, or say what is in it.

    The BMC fetches the image itself, from an http, https, nfs or cifs
    address that holds no login. Returns when the BMC shows it, after two
    minutes at the latest. To boot from it: hardware boot SERVER cd.
    """
    if (url is not None) is not (act == INSERT):
        raise click.UsageError("`insert` takes the image's URL; the others take none")
    named = named_server(declared_site(desk, reach), server)
    slots = _done(desk, named, act=act, url=url, yes=yes, reach=reach)
    if reach.as_json:
        desk.screen.data({"server": server, "media": [_slot_json(slot) for slot in slots]})
    else:
        desk.screen.show(*(f"{server} {slot.name}: {slot.image or 'empty'}" for slot in slots))
    return ExitCode.DONE


def _done(
    desk: Desk, server: Server, *, act: str, url: str | None, yes: bool, reach: Reach
) -> tuple[MediaSlot, ...]:
    from orchestrator.workflows.hardware_media import eject_images, insert_image

    ports = reached(desk, reach)
    if act == STATUS:
        return ports.media.slots(server)
    if not yes:
        what = f"Insert {url} into {server.name}?" if url else f"Eject what is in {server.name}?"
        approve(desk, what)
    return insert_image(server, url, ports) if url else eject_images(server, ports)


def _slot_json(slot: MediaSlot) -> Json:
    return {"slot": slot.name, "types": [*slot.types], "image": slot.image or None}
