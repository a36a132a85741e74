"""The command line: Click only; it parses, wires, asks and shows."""
