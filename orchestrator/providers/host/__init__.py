"""The operating systems of the servers, over SSH."""
