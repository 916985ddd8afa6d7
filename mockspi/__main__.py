"""``python -m mockspi``."""

from mockspi.cli import main

main()
