"""The plugin process, serving the in-memory provider: its world is the file given."""

import sys
from pathlib import Path

from orchestrator.providers import plugin
from tests.fakes.memory_provider import MemoryProvider

if __name__ == "__main__":
    plugin.serve(lambda: MemoryProvider(Path(sys.argv[1])))
