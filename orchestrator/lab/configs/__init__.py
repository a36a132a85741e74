"""The services' configuration files: one module per service gives FILE, FOLDERS and `sections`."""
