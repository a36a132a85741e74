"""What stands behind the ports on a real machine."""
