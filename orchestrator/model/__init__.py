"""Frozen values: what the site should be, what it is, and what is to be done about it."""
