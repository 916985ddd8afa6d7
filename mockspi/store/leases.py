"""Who holds something for a while: a process of this machine whose end frees what it held, or a time that runs out."""

from __future__ import annotations

import os
import platform

from mockspi.clock import random_id


def new_owner() -> str:
    """A name for who holds something: machine, process, and what tells two of one process apart."""
    return f"{platform.node()}/{os.getpid()}/{random_id()}"


def is_gone(owner: str) -> bool:
    """Whether the process behind a name has ended, as far as can be seen from here: never that of another machine."""
    machine, _, rest = owner.partition("/")
    if os.name != "posix" or machine != platform.node():
        return False  # signal 0 would end a process elsewhere than on posix
    try:
        os.kill(int(rest.partition("/")[0]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's process has the number now, or always had it
        return False
    return False
