"""Where the SQL lies: `migrations/` and `queries/`, inside an installed package or beside it in a checkout.

A wheel carries both folders within `perfdb/`; an editable install or a plain checkout has them one level up, because
tools like hatchling do not copy them there. The package is looked at first, so that an installed perfdb never picks up
a folder of the same name that happens to lie beside it in site-packages.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """The folder `name` of SQL files; FileNotFoundError where perfdb was installed without it, which is our bug."""
    for place in (_PACKAGE / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"perfdb was installed without its folder {name}: looked in {_PACKAGE} and {_PACKAGE.parent}"
    )


def read_sql(path: Path) -> str:
    """The text of an SQL file, lines ended by LF alone: git may have checked it out with CR LF."""
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")
