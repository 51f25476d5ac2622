"""Lets `python tests/lab VERB` run from any folder."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

if __name__ == "__main__":
    from tests.lab.cli import main

    sys.exit(main())
