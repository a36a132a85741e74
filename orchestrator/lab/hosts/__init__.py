"""Hosts of the lab: servers of the site as systemd-nspawn machines, behind their emulated BMCs."""
