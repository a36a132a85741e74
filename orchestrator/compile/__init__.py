"""Pure translation: declared flows into the rules of a device or service."""
