"""Ansible loads the callback of this folder in place of the one of the same name."""
