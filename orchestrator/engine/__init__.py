"""Pulumi programs: the embedded engine, the Automation API, state and secrets."""
