"""The rooms that touch the site, through ports: observe and execute."""
