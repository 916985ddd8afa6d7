"""The folders that a house works in: what is written, what is served, and what goes with the process."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path

from mockspi import metrics
from mockspi.errors import UsageError
from mockspi.settings import Settings, state_folder

_LEAST = 4_194_304  #: bytes on the disk with which a server begins: its databases and what it maps


def overlay(settings: Settings) -> Path:
    """The file for what is written; its folder is made, a scratch one where nothing is to be kept."""
    folder = state_folder(settings)
    try:
        folder = scratch() if folder is None else folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # api_keys and what was sent
    except OSError as error:
        raise UsageError(f"the state folder {folder} cannot be made: {error.strerror}; name another with --state") from error
    return folder / "records.sqlite"


def scratch() -> Path:
    """A folder that goes when this process ends, but not when one that it forked does."""
    return passing(Path(tempfile.mkdtemp(prefix="mockspi-")))


def passing(folder: Path) -> Path:
    """A folder that this process takes along when it ends."""
    owner = os.getpid()

    def forget() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(forget)
    return folder


_built = count()


def settle_in(parent: Path) -> Path:
    """An empty folder for the compiled sets of this house alone; those of processes that were killed go."""
    metrics.tidy(parent)
    served = parent / f"{os.getpid()}.{next(_built)}"
    shutil.rmtree(served, ignore_errors=True)  # of an earlier process of this number
    served.mkdir(parents=True)
    passing(served)
    if (free := shutil.disk_usage(served).free) < _LEAST:
        raise UsageError(
            f"only {free // 1024} KiB are free on the disk of {parent.parent}, and mockspi begins with {_LEAST // 1024}; free "
            "some of it, or name another folder with --state"
        )
    return served
