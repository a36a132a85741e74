"""The playbooks port on ansible-runner: one supervised process tree a run."""
