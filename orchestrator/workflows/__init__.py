"""The jobs: each reads as a numbered list of rooms."""
