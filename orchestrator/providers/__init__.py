"""What stands behind the resource classes: one interface, several engines."""
