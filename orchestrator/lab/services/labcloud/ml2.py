"""A Neutron ML2 mechanism driver that binds any port of any host at once, without an agent."""

from __future__ import annotations

from neutron.services.trunk.drivers import base as trunk_base
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api

UNBINDABLE = "unbindable"
"""Ports are refused on hosts whose name begins so: a fault to test with."""


class LabTrunkDriver(trunk_base.DriverBase):
    """Without a driver of trunks the service plugin `trunk` stops Neutron's start."""

    @property
    def is_loaded(self) -> bool:
        """Say yes: the mechanism driver below is always there."""
        return True


class LabMechanismDriver(api.MechanismDriver):
    """Bind ports as Open vSwitch would."""

    def initialize(self) -> None:
        """Register the trunk driver too."""
        self.trunk = LabTrunkDriver(
            "lab", (portbindings.VIF_TYPE_OVS,), ("vlan",), can_trunk_bound_port=True
        )
        self.vif_details = {
            portbindings.CAP_PORT_FILTER: True,
            portbindings.VIF_DETAILS_CONNECTIVITY: portbindings.CONNECTIVITY_L2,
        }

    @property
    def connectivity(self) -> str:
        """Return how far a bound port reaches."""
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context: api.PortContext) -> None:
        """Take the first segment and call the port active."""
        if context.host.startswith(UNBINDABLE):
            return
        for segment in context.segments_to_bind[:1]:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_OVS,
                self.vif_details,
                status=constants.PORT_STATUS_ACTIVE,
            )
