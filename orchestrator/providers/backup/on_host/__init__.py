"""The part that runs on hosts: it is sent there for each act, and needs Python 3.9 alone.

Nothing here imports the rest of the package. A request is JSON on the standard input (secrets are
in it, and nowhere else); an answer is one line of JSON on the standard output.
"""
