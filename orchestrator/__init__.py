"""Provision and run a city's private government cloud as code."""

__version__ = "0.1.0"
