"""The image builder port on mmdebstrap: Debian packages become a root file system."""
