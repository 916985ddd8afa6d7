"""Links that lead out of a fixture set; each answers what it took the place of."""

from __future__ import annotations

from pathlib import Path

STORES = "records/stores.json"


def link_a_file(mine: Path, outside: Path) -> str:
    (mine / STORES).rename(outside / "stores.json")
    (mine / STORES).symlink_to(outside / "stores.json")
    return STORES


def link_a_file_with_dots(mine: Path, outside: Path) -> str:
    (mine / STORES).rename(outside / "stores.json")
    (mine / STORES).symlink_to(Path("..") / ".." / outside.name / "stores.json")
    return STORES


def link_a_folder(mine: Path, outside: Path) -> str:
    (mine / "records").rename(outside / "records")
    (mine / "records").symlink_to(outside / "records", target_is_directory=True)
    return "records/"


LINKS = (link_a_file, link_a_file_with_dots, link_a_folder)
