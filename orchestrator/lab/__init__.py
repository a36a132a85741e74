"""The one-machine lab: real services to run all of this against."""
