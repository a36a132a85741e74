"""The Pulumi resource classes that the programs under stacks/ use."""
