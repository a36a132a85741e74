"""Networks, bound by the lab's own mechanism driver."""

from __future__ import annotations

from orchestrator.lab.configs.ini import Sections
from orchestrator.lab.configs.shared import SILENT, Lab

FILE = "neutron.conf"
FOLDERS = ()


def sections(lab: Lab) -> Sections:
    """Return Neutron's configuration."""
    return {
        "DEFAULT": {
            **lab.default("neutron"),
            "core_plugin": "ml2",
            "service_plugins": "router,qos,trunk",
            "auth_strategy": "keystone",
            "api_paste_config": lab.shipped("neutron/api-paste.ini"),
            "notify_nova_on_port_status_changes": True,
            "notify_nova_on_port_data_changes": True,
            "send_events_interval": 1,
            # There is no agent to notify; to work out whom costs a third of a router.
            "rpc_workers": 0,
            "dns_domain": "lab.local.",
            "pagination_max_limit": -1,
        },
        "database": lab.database("neutron"),
        "keystone_authtoken": lab.token_check("neutron"),
        "nova": lab.login("nova"),
        "placement": lab.login("placement"),
        "ml2": {
            "type_drivers": "flat,vlan,vxlan,geneve,local",
            "tenant_network_types": "vxlan",
            "mechanism_drivers": "lab",
            "extension_drivers": "port_security,qos,dns",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        # Without ranges: VLANs are the site's to choose, not Neutron's.
        "ml2_type_vlan": {"network_vlan_ranges": ",".join(lab.settings.physical_networks)},
        "ml2_type_vxlan": {"vni_ranges": "1:100000"},
        "oslo_concurrency": lab.locks,
        "oslo_messaging_notifications": SILENT,
    }
