"""One rack with two PDUs and three servers."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address

from orchestrator.model.hardware import HardwareLayer
from orchestrator.model.room import MachineRoom, Pdu, PowerFeed, Rack, RoomGrade, RoomLayer, Side
from orchestrator.model.site import Site, SiteIdentity
from orchestrator.model.units import Text
from tests.fakes.bmc_site import PROFILE, server

TODAY = date(2026, 11, 22)
RACK = "r1"
NAMEPLATE = {"cmp-01": 800, "cmp-02": 800, "cmp-03": 800}


def town(*, volts: int = 230, phases: int = 1) -> Site:
    """Return the site; its servers stand in `bmc_site`'s rack."""
    text = Text(zh="镇", en="Town")
    rack = Rack(
        name=RACK,
        room="hall",
        row="a",
        position=1,
        max_watts=8000,
        max_weight_kg=1000,
        feeds=tuple(
            PowerFeed(side=side, panel=f"panel-{side}", volts=volts, phases=phases) for side in Side
        ),
        pdus=tuple(
            Pdu(
                name=f"pdu-{side.lower()}",
                side=side,
                model="AP7902B",
                outlets=24,
                address=ip_address("10.0.0.1"),
            )
            for side in Side
        ),
    )
    room = MachineRoom(
        name="hall",
        region="city",
        display=text,
        grade=RoomGrade.B,
        area_m2=50,
        clear_height_m=3,
        floor_load_kn_m2=10,
    )
    return Site(
        identity=SiteIdentity(name="town", display=text, cloud="none"),
        regions=(),
        room=RoomLayer(rooms=(room,), racks=(rack,)),
        hardware=HardwareLayer(
            profiles=(PROFILE,),
            servers=tuple(server(name, f"10.9.0.{n}") for n, name in enumerate(NAMEPLATE)),
        ),
    )
