"""Backups by restic and PostgreSQL's own programs, run on the hosts over SSH."""
