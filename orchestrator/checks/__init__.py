"""Pure rules about a site, one module per layer; a rule is a function with an id."""
