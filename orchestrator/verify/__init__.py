"""Pure judgement of compiled texts: what they really open, read without the compiler's help."""
