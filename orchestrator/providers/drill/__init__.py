"""The ground that drills stand on: a host, cut off from all but us and the repository."""
