"""The YAML door: files in, a Site or every fault out."""
