"""How results look: text, JSON."""
