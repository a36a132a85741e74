"""The code that runs inside the lab's own virtual environment, next to OpenStack's.

It is a package of its own on that environment's PYTHONPATH: it imports nothing of the orchestrator,
and the orchestrator imports nothing of it.
"""
