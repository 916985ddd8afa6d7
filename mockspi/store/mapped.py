"""Numbers in a file that processes have mapped: to look at them or to count costs no system call."""

from __future__ import annotations

import errno
import mmap
import os

_CANNOT = (errno.EINVAL, errno.EOPNOTSUPP)


def mapped(file: int, size: int) -> memoryview:
    """The numbers (64 bits each) of an open file of at least so many bytes.

    Their room is taken at once, or OSError: who writes where a disk has none left is killed by the system (SIGBUS).
    """
    try:
        os.posix_fallocate(file, 0, size)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _CANNOT:
            raise
        os.ftruncate(file, max(size, os.fstat(file).st_size))
    return memoryview(mmap.mmap(file, size)).cast("Q")
