"""mockspi where processes are not forked but started anew, as on macOS and Windows."""

from __future__ import annotations

import multiprocessing

from mockspi.cli import main

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
