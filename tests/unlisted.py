"""``mockspi serve`` on a system that does not tell which files a process has open. Only for tests."""

from __future__ import annotations

from mockspi.cli import main
from mockspi.server import faults

if __name__ == "__main__":
    faults._numbers = list
    main()
