"""The lab's live network: firewalls, routers and a host for each zone, in network namespaces."""
