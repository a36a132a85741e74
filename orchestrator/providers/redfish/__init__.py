"""Redfish: the servers' BMCs."""
