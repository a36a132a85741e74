"""PostgreSQL on the servers' hosts: what runs there, and who is the primary."""
